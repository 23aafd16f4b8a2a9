using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Access;
using Pimm.Core.Importing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

/// <summary>A file from the first byte to the audience: the real app takes it, a real worker reads it.</summary>
public sealed class ImportsApiTests
{
    private const string File = "customer_id,age,city\nc1,31,Kiel\nc2,44,Bremen\nc3,,Kiel\nc4,28,Kiel\nc2,50,Bremen\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_is_checked_and_nothing_is_written_before_it_is_applied()
    {
        var uploads = Directory.CreateTempSubdirectory("pimm-uploads-").FullName;
        await using var instance = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Importing:Uploads"] = uploads });
        await using var app = await PimmApp.StartAsync(instance.Database, new Dictionary<string, string> { ["Importing__Uploads"] = uploads, ["Importing__MaximumUploadBytes"] = "2000" });
        var key = await instance.Service<KeyAdministration>().CreateAsync("crm", [ApiScopes.ImportsWrite], 30, "cli:tests", Cancel);
        using var client = new ApiClient(app.Address, key.Text);

        var sent = await client.SendAsync("POST", "/api/v1/imports?kind=customers&audience=savers&name=c.csv", File, ("Content-Type", "text/csv"));
        sent.StatusCode.ShouldBe(HttpStatusCode.Accepted, await sent.Content.ReadAsStringAsync(Cancel));
        var address = sent.Headers.Location!.OriginalString;
        var check = await UntilAsync(client, address, "checked");
        (await instance.Service<AudienceStore>().FindByNameAsync("savers", Cancel)).ShouldBeNull();
        await client.SendAsync("POST", $"{address}/apply", "{}");
        (await UntilAsync(client, address, "failed"))["refusal"]!.GetValue<string>().ShouldContain("1 of 5 rows (20 %) of c.csv cannot be used");
        var applied = await client.SendAsync("POST", $"{address}/apply", """{"acceptBadShare":0.5}""");
        var again = await client.SendAsync("POST", $"{address}/apply", "{}");
        var done = await UntilAsync(client, address, "applied");

        check["check"]!["received"]!.GetValue<long>().ShouldBe(5);
        (check["check"]!["created"]!.GetValue<long>(), check["check"]!["updated"]!.GetValue<long>()).ShouldBe((4, 0));
        check["check"]!["codes"]!["duplicate_key"]!.GetValue<long>().ShouldBe(1);
        check["mapping"]!["columns"]![0]!["role"]!.GetValue<string>().ShouldBe("key");
        applied.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await ApiClient.ReadAsync(again))["applyRunId"]!.GetValue<long>().ShouldBe(done["applyRunId"]!.GetValue<long>());
        done["result"]!["counts"]!["received"]!.GetValue<long>().ShouldBe(5);
        (await instance.Service<AudienceStore>().FindByNameAsync("savers", Cancel)).ShouldNotBeNull();

        await RefusedAsync(client, "/api/v1/imports?kind=customers&audience=savers", "", HttpStatusCode.BadRequest, "empty-file");
        await RefusedAsync(client, "/api/v1/imports?kind=people&audience=savers", File, HttpStatusCode.BadRequest, "bad-mapping");
        (await RefusedAsync(client, "/api/v1/imports?audience=savers", File, HttpStatusCode.BadRequest, "wrong-input")).ShouldBe("kind is missing: give it behind the question mark of the address, as ?kind=….");
        await RefusedAsync(client, "/api/v1/imports?kind=customers&audience=savers", new string('x', 3000), HttpStatusCode.RequestEntityTooLarge, "upload-too-large");
        Directory.Delete(uploads, recursive: true);
    }

    [Fact]
    public async Task What_a_key_sent_is_there_for_its_name_alone_and_so_is_its_source()
    {
        var uploads = Directory.CreateTempSubdirectory("pimm-uploads-").FullName;
        await using var instance = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Importing:Uploads"] = uploads });
        await using var app = await PimmApp.StartAsync(instance.Database, new Dictionary<string, string> { ["Importing__Uploads"] = uploads });
        var keys = instance.Service<KeyAdministration>();
        var crm = await keys.CreateAsync("crm", [ApiScopes.ImportsWrite], 30, "cli:tests", Cancel);
        using var sender = new ApiClient(app.Address, crm.Text);
        using var replacement = new ApiClient(app.Address, (await keys.CreateAsync("crm", [ApiScopes.ImportsWrite], 30, "cli:tests", Cancel, crm.Key.Prefix)).Text);
        using var stranger = new ApiClient(app.Address, (await keys.CreateAsync("shop", [ApiScopes.ImportsWrite], 30, "cli:tests", Cancel)).Text);

        var sent = await sender.SendAsync("POST", "/api/v1/imports?kind=customers&audience=savers", File, ("Content-Type", "text/csv"));
        var address = sent.Headers.Location!.ToString();

        (await replacement.SendAsync("GET", address)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await stranger.SendAsync("GET", address)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await stranger.SendAsync("POST", $"{address}/apply", "{}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await RefusedAsync(sender, "/api/v1/imports?kind=outcomes&audience=savers&source=shop", File, HttpStatusCode.BadRequest, "unknown-parameter");
        Directory.Delete(uploads, recursive: true);
    }

    private static async Task<string> RefusedAsync(ApiClient client, string path, string body, HttpStatusCode status, string code)
    {
        var answer = await client.SendAsync("POST", path, body, ("Content-Type", "text/csv"));

        answer.StatusCode.ShouldBe(status, await answer.Content.ReadAsStringAsync(Cancel));
        var problem = await ApiClient.ReadAsync(answer);
        problem["code"]!.GetValue<string>().ShouldBe(code);
        return problem["detail"]!.GetValue<string>();
    }

    private static async Task<JsonNode> UntilAsync(ApiClient client, string address, string state)
    {
        for (var tries = 0; tries < 300; tries++)
        {
            var import = await client.GetAsync(address);
            if (import["state"]!.GetValue<string>() == state)
            {
                return import;
            }
            import["state"]!.GetValue<string>().ShouldBeOneOf("checking", "checked", "applying");
            await Task.Delay(100, Cancel);
        }
        throw new TimeoutException($"{address} was not {state} in time.");
    }
}
