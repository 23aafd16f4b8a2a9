using System.Net;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

public sealed class SecurityTests(WebFixture web)
{
    private readonly HttpClient client = new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = web.Address };

    [Theory]
    [InlineData("/sign-in", HttpStatusCode.OK)]
    [InlineData("/health/live", HttpStatusCode.OK)]
    [InlineData("/health/ready", HttpStatusCode.OK)]
    [InlineData("/favicon.svg", HttpStatusCode.OK)]
    [InlineData("/_framework/blazor.web.js", HttpStatusCode.OK)]
    [InlineData("/campaigns", HttpStatusCode.Found)]
    [InlineData("/campaigns/1/lift", HttpStatusCode.Found)]
    [InlineData("/problem/404", HttpStatusCode.OK)]
    public async Task Every_answer_carries_the_security_headers_and_only_the_open_ones_need_no_session(string path, HttpStatusCode expected)
    {
        var answer = await client.GetAsync(path);

        answer.StatusCode.ShouldBe(expected);
        answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem().ShouldContain("script-src 'self';");
        answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        answer.Headers.GetValues("X-Frame-Options").ShouldBe(["DENY"]);
        answer.Headers.GetValues("Referrer-Policy").ShouldBe(["same-origin"]);
        answer.Headers.Contains("Server").ShouldBeFalse();
    }

    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/sign-out")]
    public async Task A_form_without_its_token_is_refused(string path)
    {
        var session = await SessionAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent([new("_handler", "sign-in"), new("Input.UserName", "ada"), new("Input.Password", WebFixture.Password)]),
            Headers = { { "Cookie", session } },
        };

        (await client.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task The_session_cookie_is_out_of_reach_for_scripts_and_other_sites()
    {
        await using var page = await web.OpenAsync();
        var cookie = (await page.Page.Context.CookiesAsync()).Single(cookie => cookie.Name == "pimm");

        cookie.HttpOnly.ShouldBeTrue();
        cookie.SameSite.ShouldBe(Microsoft.Playwright.SameSiteAttribute.Lax);
    }

    [Fact]
    public async Task A_circuit_is_refused_to_a_page_of_another_site()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1")
        {
            Headers = { { "Cookie", await SessionAsync() }, { "Origin", "https://elsewhere.example" } },
        };

        (await client.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_page_that_is_not_there_is_a_page_that_says_so()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/no/such/page") { Headers = { { "Cookie", await SessionAsync() } } };
        var answer = await client.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("There is no such page");
    }

    [Fact]
    public async Task Under_https_cookies_are_for_this_host_and_https_alone_attempts_are_limited_and_nothing_typed_reaches_the_log()
    {
        const string canary = "canary.customer@example.com";
        await using var app = await PimmApp.StartAsync(web.Database, new Dictionary<string, string>
        {
            ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true", ["Access__AttemptsPerMinute"] = "8", ["Logging__LogLevel__Default"] = "Debug", ["Logging__LogLevel__Microsoft.AspNetCore"] = "Information",
        });
        using var secure = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = app.Address, DefaultRequestHeaders = { { "X-Forwarded-Proto", "https" } } };
        var page = await secure.GetAsync("/sign-in");
        var form = page.Headers.GetValues("Set-Cookie").Single(cookie => cookie.Contains("pimm-form"));
        var token = System.Text.RegularExpressions.Regex.Match(await page.Content.ReadAsStringAsync(), "name=\"__RequestVerificationToken\" value=\"([^\"]+)\"").Groups[1].Value;

        form.ShouldStartWith("__Host-pimm-form=");
        ShouldBeSealed(form, "strict");
        page.Headers.GetValues("Strict-Transport-Security").ShouldHaveSingleItem();
        var signedIn = await PostAsync("ada", WebFixture.Password, form);
        var session = signedIn.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("__Host-pimm=", StringComparison.Ordinal));
        ShouldBeSealed(session, "lax");
        (await GetAsync("/campaigns", session.Split(';')[0])).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await GetAsync("/campaigns", session.Split(';')[0]["__Host-".Length..])).StatusCode.ShouldBe(HttpStatusCode.Found, "a name without the prefix may be planted");

        for (var attempt = 0; attempt < 5; attempt++)
        {
            (await PostAsync($"{canary}\r\n00:00:00.000 info: Forged.Line Sign-in of ada: Succeeded", canary, form)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        (await GetAsync($"/campaigns?search={Uri.EscapeDataString(canary)}", session.Split(';')[0])).StatusCode.ShouldBe(HttpStatusCode.OK);
        HttpResponseMessage last = await PostAsync("ada", "wrong", form);
        for (var attempt = 0; attempt < 4 && last.StatusCode != HttpStatusCode.TooManyRequests; attempt++)
        {
            last = await PostAsync("ada", WebFixture.Password, form);
        }

        last.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        app.Log.ShouldContain("refused: unknown name");
        app.Log.ShouldNotContain("Forged.Line");
        app.Log.ShouldNotContain("canary.customer");

        Task<HttpResponseMessage> GetAsync(string path, string cookie) => secure.SendAsync(new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Cookie", cookie } } });
        Task<HttpResponseMessage> PostAsync(string user, string password, string cookie) => secure.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/sign-in")
        {
            Headers = { { "Cookie", cookie.Split(';')[0] } },
            Content = new FormUrlEncodedContent([new("_handler", "sign-in"), new("__RequestVerificationToken", token), new("Input.UserName", user), new("Input.Password", password)]),
        });
    }

    private static void ShouldBeSealed(string cookie, string sameSite)
    {
        var parts = cookie.Split("; ").Skip(1).Select(part => part.ToLowerInvariant()).ToList();
        parts.ShouldContain("secure");
        parts.ShouldContain("httponly");
        parts.ShouldContain("path=/");
        parts.ShouldContain($"samesite={sameSite}");
        parts.ShouldNotContain(part => part.StartsWith("domain="));
    }

    [Fact]
    public async Task An_error_carries_the_headers_too_and_shows_nothing_of_the_inside()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/audit?before=9999999999999999999999") { Headers = { { "Cookie", await SessionAsync() } } };
        var overlong = await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/sign-in") { Content = new StringContent(new string('a', 100), System.Text.Encoding.UTF8, "text/plain") });
        foreach (var answer in new[] { await client.SendAsync(request), overlong })
        {
            ((int)answer.StatusCode).ShouldBeGreaterThanOrEqualTo(302);
            answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
            (await answer.Content.ReadAsStringAsync()).ShouldNotContain("   at ");
        }
    }

    [Fact]
    public async Task Settings_of_OpenID_Connect_are_refused_honestly_at_the_start() =>
        (await Should.ThrowAsync<InvalidOperationException>(() => PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Access__OpenIdConnect__Authority"] = "https://id.example" })))
            .Message.ShouldContain("comes without the package Microsoft.AspNetCore.Authentication.OpenIdConnect");

    private async Task<string> SessionAsync()
    {
        await using var page = await web.OpenAsync();
        return string.Join("; ", (await page.Page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
    }
}
