using System.Net;
using System.Text.RegularExpressions;

namespace Pimm.Web.Tests;

/// <summary>A browser without a screen: keeps cookies, follows nothing, and posts forms with their token.</summary>
internal sealed partial class Session : IDisposable
{
    private readonly HttpClient client;

    public Session(Uri address) => client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = Cookies }) { BaseAddress = address };

    public CookieContainer Cookies { get; } = new();

    /// <summary>Null: nobody.</summary>
    public static async Task<Session> OfAsync(Uri address, string? user, string password = WebFixture.Password)
    {
        var session = new Session(address);
        if (user is not null)
        {
            using var answer = await session.SignInAsync(user, password);
            if (answer.Headers.Location is not { } to || to.OriginalString.Contains("/sign-in", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"{user} was not signed in: {answer.StatusCode} {answer.Headers.Location}");
            }
        }
        return session;
    }

    public Task<HttpResponseMessage> SignInAsync(string user, string password, string path = "/sign-in") =>
        PostFormAsync(path, "sign-in", new() { ["Input.UserName"] = user, ["Input.Password"] = password });

    public async Task<HttpResponseMessage> PostFormAsync(string path, string handler, Dictionary<string, string> fields)
    {
        var token = Token().Match(await client.GetStringAsync(path)).Groups[1].Value;
        return await client.PostAsync(path, new FormUrlEncodedContent(fields.Append(new("_handler", handler)).Append(new("__RequestVerificationToken", WebUtility.HtmlDecode(token)))));
    }

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }
        return client.SendAsync(request);
    }

    public void Dispose() => client.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}
