using Pimm.Core;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

[Collection(nameof(DoorWorld))]
public sealed class UndoImportTests(DoorWorld world)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_undone_version_is_gone_with_its_new_customers_identifiers_and_its_number_is_not_used_again()
    {
        var audience = await world.AudienceAsync("undone");
        var columns = MappingByName.Of(audience, "customers", []);
        var mapping = columns with { Columns = [.. columns.Columns, new("mail", "identifier:email")] };
        var first = await world.ImportAsync(audience, "customers", "key,age,channel,mail\nu1,30,web,u1@example.com\n", mapping);
        var second = await world.ImportAsync(audience, "customers", "key,age,channel,mail\nu1,31,web,\nu2,30,web,u2@example.com\n", mapping);
        var undo = world.Pimm.Service<UndoImport>();
        (await Should.ThrowAsync<InputException>(() => undo.RunAsync(first.Id, "user:ada", Cancel))).Message.ShouldContain("undo the newer import first");

        var undone = await undo.RunAsync(second.Id, "user:ada", Cancel);

        undone.Removed.ShouldBe(new Dictionary<string, long> { ["version"] = 2, ["customers"] = 2, ["identifiers"] = 1 }, ignoreOrder: true);
        (await world.CustomersAsync(audience)).ShouldBe(["u1|30|web"]);
        (await Should.ThrowAsync<InputException>(() => undo.RunAsync(second.Id, "user:ada", Cancel))).Message.ShouldContain("was undone on");
        (await world.CountAsync($"select count(*) from audit_event where action = 'import.undo' and object_id = '{second.Id}' and actor = 'user:ada'")).ShouldBe(1);
        await world.ImportAsync(audience, "customers", "key,age,channel,mail\nu1,31,web,\nu2,30,web,u2@example.com\n", mapping);
        (await world.Pimm.Service<AudienceStore>().NewestVersionAsync(audience.Id, Cancel))!.Version.ShouldBe(3);
    }

    [Fact]
    public async Task Undone_impressions_and_events_can_be_imported_again()
    {
        var audience = await world.AudienceAsync("events");
        await world.ImportAsync(audience, "customers", "key,age,channel\ne1,30,web\n", null);
        const string history = "key,impression_at,click,buy,age,channel\ne1,2026-01-05T10:00:00Z,1,0,30,web\n", outcomes = "event_id,kind,customer,campaign,wave,stage,occurred_at,amount\nx1,outcome,e1,,,,2026-03-05T00:00:00Z,5\n";
        var (past, events) = (await world.ImportAsync(audience, "history", history, null), await world.ImportAsync(audience, "outcomes", outcomes, null));

        (await world.Pimm.Service<UndoImport>().RunAsync(past.Id, "user:ada", Cancel)).Removed["impressions"].ShouldBe(1);
        (await world.Pimm.Service<UndoImport>().RunAsync(events.Id, "user:ada", Cancel)).Removed["events"].ShouldBe(1);

        (await world.CountAsync($"select (select count(*) from {audience.HistoryTable}) + (select count(*) from customer_outcome where audience_id = {audience.Id})")).ShouldBe(0);
        (await world.ImportAsync(audience, "history", history, null)).Created.ShouldBe(1);
        (await world.ImportAsync(audience, "outcomes", outcomes, null)).Created.ShouldBe(1);
    }

    [Fact]
    public async Task The_same_history_read_in_another_way_is_refused_until_the_first_is_undone()
    {
        var audience = await world.AudienceAsync("twice");
        const string history = "key,impression_at,click,buy,age,channel\nt1,2026-01-05T10:00:00Z,1,0,30,web\n";
        var file = await world.ImportAsync(audience, "history", history, null);
        var other = MappingByName.Of(audience, "history", []) with { Zone = "Europe/Berlin" };

        (await world.RunAsync(audience, "history", history, other)).Error!.ShouldContain($"as import {file.Id}: undo that one first");
        (await world.RunAsync(audience, "history", history, null)).Result!.ShouldContain("\"alreadyImportedBy\": \"user:ada\"");
    }
}
