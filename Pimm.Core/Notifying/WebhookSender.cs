using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Options;

namespace Pimm.Core.Notifying;

/// <summary>Posts one signed notice. Follows no redirect, uses no proxy, keeps no cookie, reads no answer but its status.</summary>
public sealed class WebhookSender : IDisposable
{
    private readonly NotifyingOptions options;
    private readonly TimeProvider time;
    private readonly HttpClient client;

    public WebhookSender(IOptions<NotifyingOptions> options, TimeProvider time)
    {
        (this.options, this.time) = (options.Value.Validated(), time);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = false, UseCookies = false, MaxResponseHeadersLength = 16,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1), ConnectCallback = ConnectAsync,
        };
        client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Pimm", PimmCore.Version));
    }

    /// <param name="secrets">each signs</param>
    /// <param name="messageId">the same for every try</param>
    /// <param name="body">JSON, sent and signed to the letter</param>
    public async Task<WebhookAnswer> SendAsync(string url, IReadOnlyList<byte[]> secrets, string messageId, string body, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            using var request = Request(WebhookAddress.Parse(url, options), secrets, messageId, body);
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return new WebhookAnswer((int)answer.StatusCode, answer.IsSuccessStatusCode ? null : string.Create(CultureInfo.InvariantCulture, $"answered {(int)answer.StatusCode}"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new WebhookAnswer(null, string.Create(CultureInfo.InvariantCulture, $"no answer within {options.Timeout.TotalSeconds:0.#} s"));
        }
        catch (Exception e) when (e is HttpRequestException or InputException or IOException)
        {
            return new WebhookAnswer(null, e.GetBaseException() is InputException refused ? refused.Message : e.Message);
        }
    }

    private HttpRequestMessage Request(Uri url, IReadOnlyList<byte[]> secrets, string messageId, string body)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
        request.Headers.Add("webhook-id", messageId);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Of(secrets, messageId, timestamp, body));
        return request;
    }

    /// <summary>The number that was checked is the number that is connected to: a name may mean another one a moment later.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var found = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        var allowed = found.Where(address => WebhookAddress.IsAllowed(address, options)).ToArray();
        if (allowed.Length == 0)
            throw new InputException($"{context.DnsEndPoint.Host} has no address in the public Internet or in Notifying:AllowNetworks.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => client.Dispose();
}
