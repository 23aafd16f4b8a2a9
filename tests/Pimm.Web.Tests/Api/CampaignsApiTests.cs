using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

public sealed class CampaignsApiTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_draft_is_created_read_and_replaced_by_whoever_has_seen_it()
    {
        using var client = await ApiClient.WithAsync(web);
        var created = await client.SendAsync("POST", "/api/v1/campaigns", Body("API draft"));
        created.StatusCode.ShouldBe(HttpStatusCode.Created, await created.Content.ReadAsStringAsync(Cancel));
        var address = created.Headers.Location!.OriginalString;
        var read = await client.SendAsync("GET", address);
        read.Headers.ETag.ShouldBe(created.Headers.ETag);
        var campaign = await ApiClient.ReadAsync(read);
        campaign["state"]!.GetValue<string>().ShouldBe("draft");
        campaign["createdBy"]!.GetValue<string>().ShouldStartWith("key:");
        campaign["definition"]!["salt"]!.GetValue<string>().ShouldBe("API draft/2027-03-01");
        campaign["stages"]!.AsArray().Count.ShouldBe(7);

        var definition = campaign["definition"]!.AsObject();
        definition["days"] = 9;
        var changed = await client.SendAsync("PUT", address, definition.ToJsonString(), ("If-Match", created.Headers.ETag!.ToString()));

        changed.StatusCode.ShouldBe(HttpStatusCode.OK, await changed.Content.ReadAsStringAsync(Cancel));
        changed.Headers.ETag.ShouldNotBe(created.Headers.ETag);
        (await client.GetAsync(address))["definition"]!["days"]!.GetValue<int>().ShouldBe(9);
        var entries = await AuditAsync($"campaign:{campaign["id"]}");
        entries.Select(entry => entry.Action).ShouldBe(["campaign.update", "campaign.create"]);
        JsonNode.Parse(entries[0].Before!)!.ToJsonString().ShouldBe("""{"days":3}""");
        JsonNode.Parse(entries[0].After!)!.ToJsonString().ShouldBe("""{"days":9}""");
    }

    [Fact]
    public async Task A_name_that_a_campaign_has_is_a_conflict_for_a_new_one_and_for_a_changed_one()
    {
        using var client = await ApiClient.WithAsync(web);
        (await client.SendAsync("POST", "/api/v1/campaigns", Body("API taken"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        var other = await client.SendAsync("POST", "/api/v1/campaigns", Body("API free"));
        var renamed = (await ApiClient.ReadAsync(other))["definition"]!.AsObject();
        renamed["name"] = "API taken";

        foreach (var answer in new[]
        {
            await client.SendAsync("POST", "/api/v1/campaigns", Body("API taken")),
            await client.SendAsync("PUT", other.Headers.Location!.OriginalString, renamed.ToJsonString(), ("If-Match", other.Headers.ETag!.ToString())),
        })
        {
            var text = await answer.Content.ReadAsStringAsync(Cancel);
            (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType).ShouldBe((HttpStatusCode.Conflict, "application/problem+json"), text);
            var problem = JsonNode.Parse(text)!;
            problem["code"]!.GetValue<string>().ShouldBe("exists");
            problem["detail"]!.GetValue<string>().ShouldBe("There is a campaign named \"API taken\" already: choose another name.");
        }
    }

    [Fact]
    public async Task A_definition_sent_back_as_it_was_read_changes_nothing()
    {
        using var client = await ApiClient.WithAsync(web);
        var created = await client.SendAsync("POST", "/api/v1/campaigns", Body("API unchanged"));
        var definition = (await ApiClient.ReadAsync(created))["definition"]!;

        var again = await client.SendAsync("PUT", created.Headers.Location!.OriginalString, definition.ToJsonString(), ("If-Match", created.Headers.ETag!.ToString()));

        again.StatusCode.ShouldBe(HttpStatusCode.OK);
        again.Headers.ETag.ShouldBe(created.Headers.ETag);
    }

    [Fact]
    public async Task A_change_of_an_older_state_is_refused_with_the_current_one_and_the_fields_that_differ()
    {
        using var client = await ApiClient.WithAsync(web);
        var created = await client.SendAsync("POST", "/api/v1/campaigns", Body("API twice"));
        var (address, seen) = (created.Headers.Location!.OriginalString, created.Headers.ETag!.ToString());
        (await client.SendAsync("PUT", address, Body("API twice", days: 5), ("If-Match", seen))).StatusCode.ShouldBe(HttpStatusCode.OK);

        var late = await client.SendAsync("PUT", address, Body("API twice", perDay: 77), ("If-Match", seen));

        late.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        var problem = await ApiClient.ReadAsync(late);
        problem["code"]!.GetValue<string>().ShouldBe("changed-meanwhile");
        problem["differences"]!.AsArray().Select(field => field!.GetValue<string>()).ShouldBe(["days", "impressionsPerDay"]);
        problem["current"]!["days"]!.GetValue<int>().ShouldBe(5);
        late.Headers.ETag!.ToString().ShouldBe(problem["etag"]!.GetValue<string>());
        (await client.SendAsync("PUT", address, Body("API twice"))).StatusCode.ShouldBe(HttpStatusCode.PreconditionRequired);
        (await client.SendAsync("PUT", address, Body("API twice"), ("If-Match", "*"))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Of_two_who_change_the_same_state_at_once_one_does()
    {
        using var client = await ApiClient.WithAsync(web);
        var created = await client.SendAsync("POST", "/api/v1/campaigns", Body("API at once"));
        var (address, seen) = (created.Headers.Location!.OriginalString, created.Headers.ETag!.ToString());

        var answers = await Task.WhenAll(Enumerable.Range(4, 6).Select(days => client.SendAsync("PUT", address, Body("API at once", days: days), ("If-Match", seen))));

        answers.Count(answer => answer.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.PreconditionFailed).ShouldBe(5);
    }

    [Fact]
    public async Task A_campaign_whose_customers_are_split_is_not_changed_and_stays_approved()
    {
        using var client = await ApiClient.WithAsync(web);
        var running = await client.SendAsync("GET", $"/api/v1/campaigns/{web.Campaign}");
        var campaign = await ApiClient.ReadAsync(running);

        var change = await client.SendAsync("PUT", $"/api/v1/campaigns/{web.Campaign}", campaign["definition"]!.ToJsonString(), ("If-Match", running.Headers.ETag!.ToString()));
        var submit = await client.SendAsync("POST", $"/api/v1/campaigns/{web.Campaign}/submit", "{}");

        change.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        var submission = await ApiClient.ReadAsync(submit);
        (submission["state"]!.GetValue<string>(), submission["decidedBy"]!.GetValue<string>()).ShouldBe(("approved", "user:approver"));
        campaign["life"]!.GetValue<string>().ShouldBe("completed");
        (await ApiClient.ReadAsync(change))["code"]!.GetValue<string>().ShouldBe("campaign-split");
        campaign["state"]!.GetValue<string>().ShouldBe("finished");
        campaign["counts"]!["control"]!.GetValue<long>().ShouldBeGreaterThan(1_000);
        campaign["counts"]!["eligible"]!.AsArray().Count.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_submission_locks_the_draft_and_an_approval_holds_until_it_is_changed()
    {
        using var client = await ApiClient.WithAsync(web);
        var created = await client.SendAsync("POST", "/api/v1/campaigns", Body("API submitted"));
        var (address, tag) = (created.Headers.Location!.OriginalString, created.Headers.ETag!.ToString());
        var id = long.Parse(address.Split('/')[^1], CultureInfo.InvariantCulture);

        var first = await ApiClient.ReadAsync(await client.SendAsync("POST", $"{address}/submit", """{"comment":"please"}""", ("If-Match", tag)));
        var again = await ApiClient.ReadAsync(await client.SendAsync("POST", $"{address}/submit"));
        var locked = await client.SendAsync("PUT", address, Body("API submitted", days: 4), ("If-Match", tag));
        var withdrawn = await ApiClient.ReadAsync(await client.SendAsync("POST", $"{address}/withdraw"));
        await client.SendAsync("POST", $"{address}/submit");
        await web.Services.GetRequiredService<ApprovalDesk>().ApproveAsync(id, "user:approver", null);
        var approved = (await client.GetAsync(address))["submission"]!;
        await client.SendAsync("PUT", address, Body("API submitted", days: 4), ("If-Match", tag));
        var after = (await client.GetAsync(address))["submission"]!;

        first["state"]!.GetValue<string>().ShouldBe("in review");
        again["id"]!.GetValue<long>().ShouldBe(first["id"]!.GetValue<long>());
        (locked.StatusCode, (await ApiClient.ReadAsync(locked))["code"]!.GetValue<string>()).ShouldBe((HttpStatusCode.Conflict, "campaign-in-review"));
        withdrawn["life"]!.GetValue<string>().ShouldBe("draft");
        approved["decidedBy"]!.GetValue<string>().ShouldBe("user:approver");
        after["state"]!.GetValue<string>().ShouldBe("void");
        (await client.SendAsync("POST", $"{address}/submit", "{}", ("If-Match", tag))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await AuditAsync($"campaign:{id}")).Count(entry => entry.Action == "campaign.submit").ShouldBe(2);
    }

    [Fact]
    public async Task A_key_pauses_resumes_and_stops_and_approves_nothing()
    {
        using var client = await ApiClient.WithAsync(web);
        var address = (await client.SendAsync("POST", "/api/v1/campaigns", Body("API stopped"))).Headers.Location!.OriginalString;
        var early = await client.SendAsync("POST", $"{address}/pause");
        await client.SendAsync("POST", $"{address}/submit");
        await web.Services.GetRequiredService<ApprovalDesk>().ApproveAsync(long.Parse(address.Split('/')[^1], CultureInfo.InvariantCulture), "user:approver", null);
        var told = new List<string>();
        foreach (var verb in (string[])["pause", "resume", "stop"])
            told.Add((await ApiClient.ReadAsync(await client.SendAsync("POST", $"{address}/{verb}", """{"reason":"complaint"}""")))["life"]!.GetValue<string>());

        early.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        told.ShouldBe(["paused", "approved", "stopped"]);
        (await client.SendAsync("POST", $"{address}/approve", "{}")).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await client.SendAsync("POST", "/api/v1/campaigns/987654/stop")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""{"name":"x"}""", "describes no campaign")]
    [InlineData("""{"name":"API wrong","audience":"nobody","control":"random","treatment":"pimm","startsOn":"2027-03-01","days":3,"windowDays":2,"impressionsPerDay":10}""", "There is no audience named \"nobody\"")]
    [InlineData("""{"name":"API wrong","audience":"Savers of the north","control":"random","treatment":"pimm","startsOn":"2027-03-01","days":400,"windowDays":2,"impressionsPerDay":10}""", "Days is 400: a campaign runs 1 to 366 days.")]
    [InlineData("""{"name":"API wrong","audience":"Savers of the north","control":"random","treatment":"pimm","startsOn":"2027-03-01","days":3,"windowDays":2,"impressionsPerDay":10,"dayz":3}""", "dayz")]
    [InlineData("""{"name":"API wrong","audience":"Savers of the north","control":"random","treatment":"pimm","startsOn":"2027-03-01","days":3,"windowDays":2,"impressionsPerDay":10,"segments":["shoe"]}""", "\"shoe\"")]
    public async Task A_draft_that_cannot_be_is_refused_with_the_sentence(string body, string sentence)
    {
        using var client = await ApiClient.WithAsync(web);

        var answer = await client.SendAsync("POST", "/api/v1/campaigns", body);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ApiClient.ReadAsync(answer))["detail"]!.GetValue<string>().ShouldContain(sentence);
    }

    [Fact]
    public async Task Text_that_is_no_JSON_by_its_type_is_refused()
    {
        using var client = new HttpClient { BaseAddress = web.Address, DefaultRequestHeaders = { Authorization = new("Bearer", await ApiClient.KeyAsync(web)) } };

        var answer = await client.PostAsync("/api/v1/campaigns", new StringContent("name=x"), Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        (await ApiClient.ReadAsync(answer))["code"]!.GetValue<string>().ShouldBe("unsupported-content-type");
    }

    private static string Body(string name, int days = 3, int perDay = 10) => new JsonObject
    {
        ["name"] = name, ["audience"] = "Savers of the north", ["control"] = "random", ["treatment"] = "pimm",
        ["startsOn"] = "2027-03-01", ["days"] = days, ["windowDays"] = 2, ["impressionsPerDay"] = perDay,
    }.ToJsonString();

    private async Task<IReadOnlyList<AuditEvent>> AuditAsync(string of) =>
        await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: of), 100, Cancel);
}
