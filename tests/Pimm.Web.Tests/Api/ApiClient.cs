using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Access;

namespace Pimm.Web.Tests.Api;

/// <summary>A program with a key, as it talks to the real app.</summary>
internal sealed class ApiClient(Uri address, string? key) : IDisposable
{
    private readonly HttpClient client = new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = address, DefaultRequestHeaders = { Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key) },
    };

    private static int made;

    /// <param name="scopes">none: every scope</param>
    public static async Task<ApiClient> WithAsync(WebFixture web, params string[] scopes) => new(web.Address, await KeyAsync(web, scopes));

    public static async Task<string> KeyAsync(WebFixture web, params string[] scopes) =>
        (await web.Services.GetRequiredService<KeyAdministration>().CreateAsync($"tests {Interlocked.Increment(ref made)}", scopes.Length == 0 ? [.. ApiScopes.All.Keys] : scopes, 30, "cli:tests")).Text;

    public Task<HttpResponseMessage> SendAsync(string method, string path, string? json = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }
        foreach (var (name, value) in headers)
        {
            if (name == "Content-Type")
            {
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
        return client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
    }

    public async Task<JsonNode> GetAsync(string path) => await ReadAsync(await SendAsync("GET", path));

    public static async Task<JsonNode> ReadAsync(HttpResponseMessage answer) => (await answer.Content.ReadFromJsonAsync<JsonNode>(Xunit.TestContext.Current.CancellationToken))!;

    public void Dispose() => client.Dispose();
}
