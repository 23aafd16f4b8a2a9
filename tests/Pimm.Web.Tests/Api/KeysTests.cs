using System.Net;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

public sealed class KeysTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private KeyAdministration Keys => web.Services.GetRequiredService<KeyAdministration>();

    [Fact]
    public async Task No_table_holds_the_secret_of_a_key_and_the_audit_knows_only_its_prefix()
    {
        var made = await Keys.CreateAsync("push channel", [ApiScopes.RunsRead], 90, "cli:tests", Cancel);
        var secret = made.Text[14..];
        await using var owner = await web.Database.Owner.OpenConnectionAsync(Cancel);

        var row = await owner.QuerySingleAsync<string>("select k::text from api_key k where prefix = @Prefix", new { made.Key.Prefix });
        var audited = await owner.QuerySingleAsync<string>("select string_agg(e::text, '') from audit_event e where object_id = @Prefix", new { made.Key.Prefix });

        made.Text.ShouldMatch("^pimm_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}$");
        row.ShouldContain(made.Key.Prefix);
        row.ShouldNotContain(secret);
        row.ShouldContain(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret))));
        audited.ShouldContain("key.create");
        audited.ShouldNotContain(secret);
    }

    [Fact]
    public async Task A_key_that_is_unknown_wrong_expired_or_revoked_opens_nothing_and_each_says_so()
    {
        var good = await ApiClient.KeyAsync(web);
        var store = web.Services.GetRequiredService<ApiKeyStore>();
        var lastYear = new KeyAdministration(web.Services.GetRequiredService<NpgsqlDataSource>(), store, new Frozen(TimeProvider.System.GetUtcNow().AddDays(-400)));
        var expired = await lastYear.CreateAsync("old", [ApiScopes.RunsRead], 30, "cli:tests", Cancel);
        var revoked = await Keys.CreateAsync("lost", [ApiScopes.RunsRead], 30, "cli:tests", Cancel);
        await Keys.RevokeAsync(revoked.Key.Prefix, "cli:tests", Cancel);

        (await CodeAsync(good)).ShouldBe((HttpStatusCode.OK, null));
        (await CodeAsync(expired.Text)).ShouldBe((HttpStatusCode.Unauthorized, "expired-key"));
        (await CodeAsync(revoked.Text)).ShouldBe((HttpStatusCode.Unauthorized, "revoked-key"));
        (await CodeAsync(good[..^1] + (good[^1] == 'A' ? 'B' : 'A'))).ShouldBe((HttpStatusCode.Unauthorized, "unknown-key"));
        (await CodeAsync("pimm_" + new string('a', 8) + "_" + new string('b', 43))).ShouldBe((HttpStatusCode.Unauthorized, "unknown-key"));
        (await CodeAsync("something else")).ShouldBe((HttpStatusCode.Unauthorized, "unknown-key"));
    }

    [Fact]
    public async Task A_revoked_key_is_never_used_again_and_no_key_is_changed()
    {
        var key = (await Keys.CreateAsync("frozen", [ApiScopes.RunsRead], 30, "cli:tests", Cancel)).Key;
        await using var connection = await web.Database.DataSource.OpenConnectionAsync(Cancel);

        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync("update api_key set scopes = '{campaigns:write}' where id = @Id", new { key.Id }))).MessageText.ShouldContain("never changed");
        await Keys.RevokeAsync(key.Prefix, "cli:tests", Cancel);
        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync("update api_key set revoked_at = null, revoked_by = null where id = @Id", new { key.Id }))).MessageText.ShouldContain("never changed");
        (await Should.ThrowAsync<InputException>(() => Keys.RevokeAsync(key.Prefix, "cli:tests", Cancel))).Message.ShouldContain("was revoked on");
        (await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: $"key:{key.Prefix}"), 10, Cancel)).Select(entry => entry.Action).ShouldBe(["key.revoke", "key.create"]);
    }

    [Theory]
    [InlineData("delete from api_key")]
    [InlineData("delete from campaign_submission")]
    [InlineData("set session_replication_role = replica; delete from api_key")]
    public async Task Nobody_takes_a_key_or_a_submission_away(string sql)
    {
        await Keys.CreateAsync($"kept {sql.Length}", [ApiScopes.RunsRead], 30, "cli:tests", Cancel);
        await using var connection = await web.Database.Owner.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await connection.ExecuteAsync("insert into campaign_submission (campaign_id, definition_sha256, definition, submitted_by, submitted_at) select id, sha256(''), '{}', 'cli:tests', now() from campaign limit 1");

        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(sql))).MessageText.ShouldEndWith("are never deleted");
    }

    [Theory]
    [InlineData("", 30, "0 characters")]
    [InlineData("too long", 731, "731 days: choose 1 to 730.")]
    [InlineData("none", 0, "0 days")]
    public async Task A_key_that_cannot_be_is_refused(string name, int days, string sentence) =>
        (await Should.ThrowAsync<InputException>(() => Keys.CreateAsync(name, [ApiScopes.RunsRead], days, "cli:tests", Cancel))).Message.ShouldContain(sentence);

    [Fact]
    public async Task The_last_use_is_noted_at_most_once_a_minute()
    {
        var made = await Keys.CreateAsync("used", [ApiScopes.RunsRead], 30, "cli:tests", Cancel);
        var store = web.Services.GetRequiredService<ApiKeyStore>();
        made.Key.LastUsedAt.ShouldBeNull();

        await CodeAsync(made.Text);
        var first = (await store.FindAsync(made.Key.Prefix, Cancel))!.LastUsedAt;
        await CodeAsync(made.Text);
        var second = (await store.FindAsync(made.Key.Prefix, Cancel))!;
        await store.TouchAsync(second, first!.Value.AddMinutes(1), Cancel);

        first.ShouldNotBeNull();
        second.LastUsedAt.ShouldBe(first);
        (await store.FindAsync(made.Key.Prefix, Cancel))!.LastUsedAt.ShouldBe(first.Value.AddMinutes(1));
    }

    [Fact]
    public async Task A_session_opens_no_endpoint_and_a_key_opens_no_page()
    {
        await using var page = await web.OpenAsync();
        var cookies = string.Join("; ", (await page.Page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
        using var nobody = new ApiClient(web.Address, null);
        using var program = await ApiClient.WithAsync(web);

        var withCookie = await nobody.SendAsync("GET", "/api/v1/campaigns", null, ("Cookie", cookies));
        var withKey = await program.SendAsync("GET", "/campaigns");

        withCookie.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        withCookie.Headers.Contains("Set-Cookie").ShouldBeFalse();
        withKey.StatusCode.ShouldBe(HttpStatusCode.Found);
    }

    [Fact]
    public async Task A_key_that_sends_too_much_waits_and_another_does_not()
    {
        await using var strict = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Api__RequestsPerSecond"] = "1", ["Api__Burst"] = "2" });
        using var greedy = new ApiClient(strict.Address, await ApiClient.KeyAsync(web));
        using var other = new ApiClient(strict.Address, await ApiClient.KeyAsync(web));
        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 8; i++)
        {
            answers.Add(await greedy.SendAsync("GET", "/api/v1/models"));
        }

        answers.Count(answer => answer.StatusCode == HttpStatusCode.OK).ShouldBeInRange(2, 7);
        var refused = answers.Last(answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 5);
        (await ApiClient.ReadAsync(refused))["code"]!.GetValue<string>().ShouldBe("too-many-requests");
        (await other.SendAsync("GET", "/api/v1/models")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_address_that_guesses_keys_waits_before_the_next_is_looked_up()
    {
        await using var strict = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Api__RefusalsPerMinute"] = "3" });
        using var guesser = new ApiClient(strict.Address, "pimm_" + new string('a', 8) + "_" + new string('b', 43));
        using var nobody = new ApiClient(strict.Address, null);
        var answers = new List<HttpResponseMessage>();
        // Where no key is needed it is looked up all the same.
        foreach (var path in new[] { "/api/v1/models", "/api/v1/openapi.json", "/api/v1/models", "/api/v1/models" })
        {
            answers.Add(await guesser.SendAsync("GET", path));
        }

        answers.Select(answer => answer.StatusCode).ShouldBe([HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests]);
        answers[3].Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 60);
        (await ApiClient.ReadAsync(answers[3]))["detail"]!.GetValue<string>().ShouldStartWith("Too many requests with a key that opens nothing");
        (await nobody.SendAsync("GET", "/api/v1/openapi.json")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task The_document_is_for_everybody_and_yet_not_without_end()
    {
        await using var strict = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Api__RequestsPerSecond"] = "1", ["Api__Burst"] = "2" });
        using var nobody = new ApiClient(strict.Address, null);
        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 8; i++)
        {
            answers.Add(await nobody.SendAsync("GET", "/api/v1/openapi.json"));
        }

        answers.Count(answer => answer.StatusCode == HttpStatusCode.OK).ShouldBeInRange(2, 7);
        answers.ShouldContain(answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
    }

    private async Task<(HttpStatusCode, string?)> CodeAsync(string key)
    {
        using var client = new ApiClient(web.Address, key);
        var answer = await client.SendAsync("GET", "/api/v1/runs");
        return (answer.StatusCode, answer.IsSuccessStatusCode ? null : (await ApiClient.ReadAsync(answer))["code"]!.GetValue<string>());
    }

    private sealed class Frozen(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }
}
