using System.Security.Cryptography;
using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Exporting;
using Pimm.Core.Identifying;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Exporting;

/// <summary>A channel's file without keys: who is taken back stands in the removal as on the list that the channel was given.</summary>
public sealed class RemovalLinesTests : IAsyncLifetime
{
    private const string Channel = "meta";

    private readonly SmallCampaign world = new();
    private readonly List<Guid>[] planned = new List<Guid>[2];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await world.InitializeAsync();
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        for (var arm = 0; arm <= 1; arm++)
            planned[arm] = [.. await connection.QueryAsync<Guid>(
                "select customer from wave_plan where policy = arm and arm = @arm and action = 1 and wave_date = @day order by customer", new { arm = (short)arm, day = Day(0) })];
    }

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public async Task Whoever_is_taken_back_stands_in_the_removal_as_on_the_list_that_was_handed_out()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        // Of each arm two without an identifier, and one who may not be contacted: lines and customers are not counted alike.
        foreach (var arm in planned)
            await KnowAsync(connection, arm.Where((_, place) => place is not (2 or 5)), "old");
        await OptOutAsync(connection, planned[0][1], planned[1][0]);
        await ExportAsync(0);
        await OptOutAsync(connection, planned[1][3]);
        await ExportAsync(0);
        var (control, treatment) = (await ListAsync(0, 0), await ListAsync(0, 1));
        (control.Revision, control.Rows, control.Withheld, control.Unlisted).ShouldBe((1, 57, 1, 2));
        (treatment.Revision, treatment.Rows, treatment.Withheld, treatment.Unlisted).ShouldBe((2, 56, 2, 2));
        var (ofControl, ofTreatment) = (await LinesAsync(control.FileName), await LinesAsync(treatment.FileName));

        await KnowAsync(connection, [planned[0][9], planned[0][2], planned[0][30], planned[1][10]], "new");
        await EraseIdentifiersAsync(connection, planned[0][20]);
        await OptOutAsync(connection, planned[0][9], planned[0][2], planned[1][10]);
        await ExportAsync(1);

        var removal = (await ListAsync(1, 0)).ReadManifest()!.Remove!;
        (await LinesAsync(removal.File)).ShouldBe(ofControl.Where(line => Names(line, planned[0][9]) || Names(line, planned[0][20])));
        (removal.Rows, removal.Unknown, removal.AsKnownNow).ShouldBe((2, 1, 0));
        var revised = (await ListAsync(1, 1)).ReadManifest()!.Remove!;
        (await LinesAsync(revised.File)).ShouldHaveSingleItem().ShouldBe(ofTreatment.Single(line => Names(line, planned[1][10])));

        // A list that somebody wrote to proves nothing any more.
        await File.AppendAllTextAsync(PathOf(control.FileName), "\n", Cancel);
        await OptOutAsync(connection, planned[0][30]);
        await ExportAsync(2);

        removal = (await ListAsync(2, 0)).ReadManifest()!.Remove!;
        (removal.Rows, removal.Unknown, removal.AsKnownNow).ShouldBe((1, 0, 1));
        (await LinesAsync(removal.File)).ShouldHaveSingleItem().ShouldStartWith(Hash(Email(planned[0][30], "new")) + ",");
    }

    private DateOnly Day(int wave) => world.Campaign.StartsOn.AddDays(wave);

    private string PathOf(string name) => Path.Combine(world.Pimm.Folder, "exports", name);

    private async Task<string[]> LinesAsync(string name) => (await File.ReadAllLinesAsync(PathOf(name), Cancel))[1..];

    private async Task<ExportedList> ListAsync(int wave, int arm) => (await world.Pimm.Service<ExportStore>().FindAsync(world.Campaign.Id, Day(wave), arm, Channel, Cancel))!;

    private async Task ExportAsync(int wave)
    {
        var request = new JobRequest(ExportWave.JobKind, Guid.CreateVersion7().ToString(), new ExportRequest(Channel), world.Campaign.Id, Day(wave));
        (await world.Pimm.RunAsync(request, Cancel)).Error.ShouldBeNull();
    }

    private async Task KnowAsync(NpgsqlConnection connection, IEnumerable<Guid> customers, string age) => await world.Pimm.Service<IdentifierStore>().SaveAsync(
        connection, [.. customers.Select(customer => new CustomerIdentifier(customer, IdentifierKind.Email, Email(customer, age), DateTimeOffset.UtcNow))], Cancel);

    private static Task OptOutAsync(NpgsqlConnection connection, params Guid[] customers) => connection.ExecuteAsync(
        "insert into suppression(kind, customer, reason, source, recorded_by, at) select 'customer', unnest(@customers), 'do-not-contact', 'a letter', 'test', now()", new { customers });

    /// <summary>As an erasure leaves it that has not come to the lists yet.</summary>
    private static Task EraseIdentifiersAsync(NpgsqlConnection connection, Guid customer) => connection.ExecuteAsync(
        """
        insert into erasure(customer, requested_at, requested_by) values (@customer, now(), 'test');
        insert into suppression(kind, customer, reason, source, recorded_by, at) values ('customer', @customer, 'erased', 'erasure', 'test', now());
        delete from customer_identifier where customer = @customer;
        """, new { customer });

    private static bool Names(string line, Guid customer) => line.StartsWith(Hash(Email(customer, "old")) + ",", StringComparison.Ordinal);

    private static string Email(Guid customer, string age) => $"{age}.{customer:N}@example.com";

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
