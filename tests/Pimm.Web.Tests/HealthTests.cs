using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Dapper;
using Microsoft.AspNetCore.Identity;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>What a load balancer, a monitor and a person see while the database is there, and while it is not.</summary>
public sealed class HealthTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_detailed_status_is_for_this_machine_or_for_those_who_may_start_work()
    {
        using var client = Client(web.Address);
        var here = await client.GetAsync("/health/status", Cancel);
        using var throughProxy = new HttpRequestMessage(HttpMethod.Get, "/health/status") { Headers = { { "X-Forwarded-For", "203.0.113.7" } } };

        var findings = JsonDocument.Parse(await here.Content.ReadAsStringAsync(Cancel)).RootElement.GetProperty("findings").EnumerateArray()
            .Select(finding => finding.GetProperty("name").GetString()).ToList();
        foreach (var name in new[] { "database", "durability", "migrations", "connections", "queue", "leases", "workers", "schedules", "backup", "exports", "training", "backups" })
            findings.ShouldContain(name);
        (await client.SendAsync(throughProxy, Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await AsAsync("vera")).ShouldBe(HttpStatusCode.Forbidden);
        (await AsAsync("ada")).ShouldNotBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Without_a_connection_left_programs_get_503_with_a_time_and_people_a_page_and_it_recovers_by_itself()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await using var app = await PimmApp.StartAsync(database);
        using var client = Client(app.Address);
        (await client.GetAsync("/health/ready", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await LimitAsync(database, 0);
        var asked = Stopwatch.StartNew();
        var ready = await client.GetAsync("/health/ready", Cancel);
        asked.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(8));
        (ready.StatusCode, ready.Headers.RetryAfter?.Delta).ShouldBe((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)));
        (await client.GetAsync("/health/live", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var status = await client.GetAsync("/health/status", Cancel);
        (status.StatusCode, status.Headers.RetryAfter?.Delta).ShouldBe((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)));
        (await status.Content.ReadAsStringAsync(Cancel)).ShouldContain("The database has no free connection left");

        await LimitAsync(database, -1);
        (await client.GetAsync("/health/ready", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_person_whose_page_needs_the_database_gets_a_page_and_no_stack()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await using var app = await PimmApp.StartAsync(database);
        using var client = Client(app.Address);
        var form = await client.GetStringAsync("/sign-in", Cancel);
        var token = System.Text.RegularExpressions.Regex.Match(form, "name=\"__RequestVerificationToken\" value=\"([^\"]+)\"").Groups[1].Value;
        await LimitAsync(database, 0);

        // A form that looks into the database: who are you?
        var answer = await client.PostAsync("/sign-in", new FormUrlEncodedContent([new("_handler", "sign-in"), new("__RequestVerificationToken", token), new("Input.UserName", "ada"), new("Input.Password", "x")]), Cancel);

        (answer.StatusCode, answer.Headers.RetryAfter?.Delta).ShouldBe((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)));
        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldNotContain("Npgsql");
        var page = await client.GetAsync("/problem/503", Cancel);
        (await page.Content.ReadAsStringAsync(Cancel)).ShouldContain("The database does not answer");
    }

    [Fact]
    public async Task Somebody_who_is_signed_in_gets_a_page_that_says_what_is_wrong_and_then_their_own_again()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await using (var owner = await database.Owner.OpenConnectionAsync(Cancel))
        {
            var user = new AppUser { UserName = "ada" };
            await owner.ExecuteAsync(
                """
                insert into app_user(user_name, normalized_user_name, password_hash, security_stamp) values ('ada', 'ADA', @hash, 'stamp');
                insert into app_user_role(user_id, role_id) select 1, id from app_role where name = 'Marketer';
                """, new { hash = new PasswordHasher<AppUser>().HashPassword(user, WebFixture.Password) });
        }
        await using var app = await PimmApp.StartAsync(database);
        await using var page = await web.Browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = app.Address.ToString() });
        await new WatchedPage(await page.NewPageAsync()).SignInAsync("ada", WebFixture.Password);
        using var client = Client(app.Address);
        client.DefaultRequestHeaders.Add("Cookie", string.Join("; ", (await page.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}")));
        await page.CloseAsync();
        (await client.GetAsync("/campaigns", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await LimitAsync(database, 0);
        // The session's stamp is asked for every half minute only: until then the page itself says what is wrong. The connections that were
        // ended first are told apart from those that are not given, one look each at the most.
        for (var look = 0; ; look++)
        {
            var text = await (await client.GetAsync("/campaigns", Cancel)).Content.ReadAsStringAsync(Cancel);
            text.ShouldContain("The campaigns could not be read");
            text.ShouldNotContain("Npgsql");
            if (look == 5 || text.Contains("The database has no free connection left", StringComparison.Ordinal))
            {
                text.ShouldContain("The database has no free connection left");
                break;
            }
        }

        await LimitAsync(database, -1);
        (await client.GetAsync("/campaigns", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private async Task<HttpStatusCode> AsAsync(string user)
    {
        await using var page = await web.OpenAsync(user);
        var cookies = await page.Page.Context.CookiesAsync();
        using var client = Client(web.Address);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health/status");
        request.Headers.Add("Cookie", string.Join("; ", cookies.Select(cookie => $"{cookie.Name}={cookie.Value}")));
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        return (await client.SendAsync(request, Cancel)).StatusCode;
    }

    private static HttpClient Client(Uri address) => new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = address };

    /// <summary>Those who are connected stay; a superuser always comes in.</summary>
    private static async Task LimitAsync(TestDatabase database, int connections)
    {
        await using var owner = await database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync($"alter database {database.Name} connection limit {connections}");
        if (connections == 0)
            await owner.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename <> current_user");
    }
}
