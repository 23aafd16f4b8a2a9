using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

public sealed class WebhooksApiTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_webhook_is_added_with_its_secret_shown_once_and_taken_away_again()
    {
        using var client = await ApiClient.WithAsync(web, ApiScopes.WebhooksWrite);

        var made = await client.SendAsync("POST", "/api/v1/webhooks", """{"url":"https://hooks.example.com/pimm","events":["run.failed","list.exported"]}""");

        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        var webhook = await ApiClient.ReadAsync(made);
        var (address, secret) = (made.Headers.Location!.ToString(), webhook["secret"]!.GetValue<string>());
        address.ShouldBe($"/api/v1/webhooks/{webhook["id"]}");
        secret.ShouldMatch("^whsec_[A-Za-z0-9+/]{43}=$");
        webhook["createdBy"]!.GetValue<string>().ShouldStartWith("key:");
        var read = await client.GetAsync(address);
        (read["url"]!.GetValue<string>(), read["events"]!.ToJsonString(), read["secret"]).ShouldBe(("https://hooks.example.com/pimm", """["run.failed","list.exported"]""", null));
        (await client.GetAsync("/api/v1/webhooks")).ToJsonString().ShouldNotContain(secret);

        var rotated = await ApiClient.ReadAsync(await client.SendAsync("POST", $"{address}/rotate"));
        rotated["secret"]!.GetValue<string>().ShouldMatch("^whsec_[A-Za-z0-9+/]{43}=$");
        rotated["secret"]!.GetValue<string>().ShouldNotBe(secret);
        (await client.GetAsync(address))["formerSecretUntil"]!.GetValue<DateTimeOffset>().ShouldBe(DateTimeOffset.UtcNow.AddDays(1), TimeSpan.FromMinutes(5));

        (await client.SendAsync("DELETE", address)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await client.SendAsync("GET", address)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await client.SendAsync("DELETE", address)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var recorded = await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: $"webhook:{webhook["id"]}"), 10, Cancel);
        recorded.Select(row => row.Action).ShouldBe(["webhook.remove", "webhook.rotate", "webhook.add"]);
        recorded.ShouldAllBe(row => row.Actor == webhook["createdBy"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{"url":"https://169.254.169.254/latest/meta-data","events":["run.failed"]}""", "none of the public Internet")]
    [InlineData("""{"url":"http://hooks.example.com/","events":["run.failed"]}""", "begins with http")]
    [InlineData("""{"url":"https://hooks.example.com/","events":["run.fail"]}""", "There is no event")]
    [InlineData("""{"url":"https://hooks.example.com/","events":[]}""", "without events")]
    [InlineData("""{"events":["run.failed"]}""", "The body cannot be read")]
    public async Task What_cannot_be_told_is_refused_in_one_sentence(string body, string expected)
    {
        using var client = await ApiClient.WithAsync(web, ApiScopes.WebhooksWrite);

        var answer = await client.SendAsync("POST", "/api/v1/webhooks", body);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var problem = await ApiClient.ReadAsync(answer);
        problem["code"]!.GetValue<string>().ShouldBe("wrong-input");
        problem["detail"]!.GetValue<string>().ShouldContain(expected);
    }
}
