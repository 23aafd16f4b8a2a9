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

    private async Task<string> SessionAsync()
    {
        await using var page = await web.OpenAsync();
        return string.Join("; ", (await page.Page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
    }
}
