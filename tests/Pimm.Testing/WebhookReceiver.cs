using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Pimm.Testing;

/// <summary>One request as it came in.</summary>
public sealed record ReceivedNotice(string Path, string Id, string Timestamp, string Signature, string Body, string ContentType)
{
    /// <summary>By the published formula, written down here once more.</summary>
    public bool IsSignedWith(string secret) => Signature.Split(' ').Contains("v1," + Convert.ToBase64String(
        new HMACSHA256(Convert.FromBase64String(secret["whsec_".Length..])).ComputeHash(Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.{Body}"))));
}

/// <summary>A real web server on this machine that takes notices and answers as told.</summary>
public sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<ReceivedNotice> received = new();

    private WebhookReceiver(WebApplication app) => this.app = app;

    /// <summary>Status of the answers from now on.</summary>
    public int Status { get; set; } = 204;

    /// <summary>How long it takes to answer.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Where a redirect leads.</summary>
    public string? Location { get; set; }

    public IReadOnlyList<ReceivedNotice> Received => [.. received];

    public Uri Address { get; private set; } = null!;

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        receiver.Address = new Uri(app.Urls.Single());
        return receiver;
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var headers = context.Request.Headers;
        received.Enqueue(new ReceivedNotice(
            context.Request.Path, headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), await reader.ReadToEndAsync(), context.Request.ContentType ?? ""));
        await Task.Delay(Delay, context.RequestAborted);
        context.Response.StatusCode = Status;
        if (Location is not null)
            context.Response.Headers.Location = Location;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
