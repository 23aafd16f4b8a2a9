using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Allocating;
using Pimm.Core.Auditing;
using Pimm.Core.Exporting;
using Pimm.Core.Lift;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

/// <summary>Answers about a campaign that went through all stages are those that the stages stored.</summary>
public sealed class ReadingApiTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_follow_each_other_without_a_gap_and_end()
    {
        using var client = await ApiClient.WithAsync(web);
        foreach (var name in new[] { "Paged a", "Paged b", "Paged c" })
        {
            await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, name);
        }
        var (names, after) = (new List<string>(), "");
        do
        {
            var page = await client.GetAsync($"/api/v1/campaigns?search=Paged&state=draft&limit=2{after}");
            names.AddRange(page["items"]!.AsArray().Select(item => item!["name"]!.GetValue<string>()));
            after = page["next"] is { } next ? $"&after={next}" : "";
        }
        while (after != "");

        names.ShouldBe(["Paged c", "Paged b", "Paged a"]);
    }

    [Theory]
    [InlineData("/api/v1/campaigns?limit=0", "limit is 0: choose 1 to 200.")]
    [InlineData("/api/v1/runs?limit=201", "limit is 201: choose 1 to 200.")]
    [InlineData("/api/v1/campaigns?state=new", "state is \"new\": choose draft, running, finished.")]
    [InlineData("/api/v1/runs?state=new", "state is \"new\": choose queued, running, succeeded, failed, cancelled.")]
    [InlineData("/api/v1/campaigns/1/lists/yesterday/a/generic-csv", "\"yesterday\" is no day: write it as 2026-12-01.")]
    [InlineData("/api/v1/campaigns/1/lists/2026-12-01/c/generic-csv", "\"c\" is no arm of a list: choose a or b.")]
    public async Task A_value_out_of_its_range_is_refused_with_the_sentence(string path, string sentence)
    {
        using var client = await ApiClient.WithAsync(web);

        var answer = await client.SendAsync("GET", path);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ApiClient.ReadAsync(answer))["detail"]!.GetValue<string>().ShouldBe(sentence);
    }

    [Fact]
    public async Task A_number_that_is_none_is_refused()
    {
        using var client = await ApiClient.WithAsync(web);

        var answer = await client.SendAsync("GET", "/api/v1/runs?limit=many");

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ApiClient.ReadAsync(answer))["detail"]!.GetValue<string>().ShouldContain("limit");
    }

    [Fact]
    public async Task A_list_comes_as_it_was_written_with_its_hash_and_is_audited()
    {
        using var client = await ApiClient.WithAsync(web);
        var lists = (await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/lists"))["items"]!.AsArray();
        var stored = await web.Services.GetRequiredService<ExportStore>().ListsAsync(web.Campaign, Cancel);
        lists.Count.ShouldBe(stored.Count);
        var list = lists[0]!;

        var answer = await client.SendAsync("GET", list["href"]!.GetValue<string>());

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var bytes = await answer.Content.ReadAsByteArrayAsync(Cancel);
        bytes.LongLength.ShouldBe(list["bytes"]!.GetValue<long>());
        Convert.ToHexStringLower(SHA256.HashData(bytes)).ShouldBe(list["sha256"]!.GetValue<string>());
        answer.Headers.ETag!.Tag.ShouldBe($"\"{list["sha256"]}\"");
        answer.Headers.GetValues("Repr-Digest").ShouldBe([$"sha-256=:{Convert.ToBase64String(SHA256.HashData(bytes))}:"]);
        answer.Content.Headers.ContentDisposition!.FileName.ShouldBe(list["fileName"]!.GetValue<string>());
        answer.Content.Headers.ContentType!.ToString().ShouldBe("text/csv; charset=utf-8");
        var audited = (await AuditAsync("list.download", $"list:{list["fileName"]}")).Count;
        audited.ShouldBePositive();

        var same = await client.SendAsync("GET", list["href"]!.GetValue<string>(), null, ("If-None-Match", $"\"{list["sha256"]}\""));
        same.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        same.Headers.ETag!.Tag.ShouldBe($"\"{list["sha256"]}\"");
        (await AuditAsync("list.download", $"list:{list["fileName"]}")).Count.ShouldBe(audited);
    }

    [Fact]
    public async Task A_file_that_is_not_the_list_is_not_sent()
    {
        using var client = await ApiClient.WithAsync(web);
        var list = (await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/lists"))["items"]!.AsArray()[1]!;
        var file = Path.Combine(web.Exports, list["fileName"]!.GetValue<string>());
        var bytes = await File.ReadAllBytesAsync(file, Cancel);
        var audited = (await AuditAsync("list.download", $"list:{list["fileName"]}")).Count;
        await File.WriteAllBytesAsync(file, bytes[..^10], Cancel);
        try
        {
            var answer = await client.SendAsync("GET", list["href"]!.GetValue<string>());

            answer.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await ApiClient.ReadAsync(answer))["code"]!.GetValue<string>().ShouldBe("list-changed");
            (await AuditAsync("list.download", $"list:{list["fileName"]}")).Count.ShouldBe(audited);
        }
        finally
        {
            await File.WriteAllBytesAsync(file, bytes, Cancel);
        }
    }

    [Fact]
    public async Task What_the_database_refuses_is_told_without_its_words()
    {
        using var client = await ApiClient.WithAsync(web);

        var answer = await client.SendAsync("GET", "/api/v1/campaigns?search=%00");

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ApiClient.ReadAsync(answer))["detail"]!.GetValue<string>().ShouldBe("The request has a value that cannot be stored: look for characters of the code 0 and for numbers out of range.");
    }

    [Fact]
    public async Task A_list_has_a_manifest_and_what_is_beside_it_is_found_or_said_to_be_missing()
    {
        using var client = await ApiClient.WithAsync(web);
        var lists = (await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/lists?limit=4"))["items"]!.AsArray();
        var second = lists[2]!;

        var manifest = await client.GetAsync($"{second["href"]}/manifest");
        var add = await client.SendAsync("GET", $"{second["href"]}/add");
        var nothing = await client.SendAsync("GET", $"{lists[0]!["href"]}/remove");

        manifest["sha256"]!.GetValue<string>().ShouldBe(second["sha256"]!.GetValue<string>());
        add.StatusCode.ShouldBe(manifest["add"] is null ? HttpStatusCode.NotFound : HttpStatusCode.OK);
        nothing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await client.SendAsync("GET", $"{second["href"]}/everything")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_campaigns_lists_come_in_pages_too()
    {
        using var client = await ApiClient.WithAsync(web);
        var (found, after) = (new List<string>(), "");
        do
        {
            var page = await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/lists?limit=4{after}");
            found.AddRange(page["items"]!.AsArray().Select(item => $"{item!["date"]} {item["arm"]}"));
            after = page["next"] is { } next ? $"&after={next}" : "";
        }
        while (after != "");

        found.ShouldBe([.. Enumerable.Range(0, 3).SelectMany(day => new[] { "a", "b" }.Select(arm => $"{SeededCampaign.FirstDay.AddDays(day):yyyy-MM-dd} {arm}"))]);
    }

    [Fact]
    public async Task A_list_whose_file_was_removed_says_so()
    {
        using var client = await ApiClient.WithAsync(web);
        var list = (await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/lists"))["items"]!.AsArray()[^1]!;
        var file = Directory.EnumerateFiles(web.Exports, list["fileName"]!.GetValue<string>()).Single();
        File.Move(file, file + ".away");
        try
        {
            var answer = await client.SendAsync("GET", list["href"]!.GetValue<string>());

            answer.StatusCode.ShouldBe(HttpStatusCode.Gone);
            (await ApiClient.ReadAsync(answer))["code"]!.GetValue<string>().ShouldBe("list-removed");
        }
        finally
        {
            File.Move(file + ".away", file);
        }
    }

    [Fact]
    public async Task A_customer_is_found_by_the_pseudonymous_key_and_by_the_reference_and_only_the_latter_is_audited()
    {
        using var client = await ApiClient.WithAsync(web);
        var customer = CustomerHash.Of("c00042");
        var stored = (await web.Services.GetRequiredService<AllocationStore>().AssignmentsAsync(web.Campaign, Cancel)).Single(assignment => assignment.Customer == customer);
        var plans = (await web.Services.GetRequiredService<AllocationStore>().PlansAsync(web.Campaign, Cancel)).Where(plan => plan.Customer == customer && plan.Policy == plan.Arm);

        var byKey = await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/assignments/{customer}");
        (await AuditAsync("assignment.lookup", $"customer:{customer}")).ShouldBeEmpty();
        var byRef = await ApiClient.ReadAsync(await client.SendAsync("POST", $"/api/v1/campaigns/{web.Campaign}/assignments/lookup", """{"customerRef":"c00042"}"""));

        byRef.ToJsonString().ShouldBe(byKey.ToJsonString());
        byKey["arm"]!.GetValue<string>().ShouldBe(stored.Arm == 0 ? "control" : "treatment");
        byKey["flagged"]!.GetValue<bool>().ShouldBe(stored.Flagged);
        byKey["waves"]!.AsArray().Select(wave => $"{wave!["date"]} {wave["action"]}").ShouldBe(plans.Select(plan => $"{plan.WaveDate:yyyy-MM-dd} {(plan.Action == 1 ? "export" : "hold-back")}"));
        byKey.ToJsonString().ShouldNotContain("c00042");
        (await AuditAsync("assignment.lookup", $"customer:{customer}")).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_customer_who_is_not_eligible_is_told_from_a_campaign_that_is_not_there()
    {
        using var client = await ApiClient.WithAsync(web);

        var answer = await client.SendAsync("POST", $"/api/v1/campaigns/{web.Campaign}/assignments/lookup", """{"customerRef":"nobody"}""");

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await ApiClient.ReadAsync(answer))["code"]!.GetValue<string>().ShouldBe("not-eligible");
    }

    [Fact]
    public async Task The_lift_report_is_the_stored_one()
    {
        using var client = await ApiClient.WithAsync(web);
        var stored = (await web.Services.GetRequiredService<LiftStore>().NewestAsync(web.Campaign, Cancel))!;

        var newest = await client.GetAsync($"/api/v1/campaigns/{web.Campaign}/lift");
        var first = await client.SendAsync("GET", $"/api/v1/campaigns/{web.Campaign}/lift?version=1");

        JsonNode.DeepEquals(newest, JsonNode.Parse(stored.Report)).ShouldBeTrue();
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.SendAsync("GET", $"/api/v1/campaigns/{web.Campaign}/lift?version=99")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Model_lines_show_their_champion_and_versions_their_metrics()
    {
        using var client = await ApiClient.WithAsync(web);
        var line = (await client.GetAsync("/api/v1/models"))["items"]!.AsArray().Single(item => item!["name"]!.GetValue<string>() == "PIMM")!;

        var versions = (await client.GetAsync($"/api/v1/models/{line["id"]}/versions"))["items"]!.AsArray();

        line["champion"]!["version"]!.GetValue<int>().ShouldBe(1);
        versions.ShouldHaveSingleItem()!["metrics"]![0]!["auc"]!.GetValue<double>().ShouldBe(0.712);
        versions[0]!["isChampion"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Fact]
    public async Task Runs_are_filtered_and_one_shows_what_came_out()
    {
        using var client = await ApiClient.WithAsync(web);
        var runs = (await client.GetAsync($"/api/v1/runs?campaignId={web.Campaign}&kind=export&state=succeeded"))["items"]!.AsArray();

        var run = await client.GetAsync($"/api/v1/runs/{runs.ShouldHaveSingleItem()!["id"]}");

        run["run"]!["campaignId"]!.GetValue<long>().ShouldBe(web.Campaign);
        run["result"]!["lists"]!.AsArray().Count.ShouldBe(6);
    }

    private async Task<IReadOnlyList<AuditEvent>> AuditAsync(string action, string of) =>
        await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Action: action, Object: of), 100, Cancel);
}
