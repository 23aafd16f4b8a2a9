using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Identifying;
using Pimm.Core.Queueing;
using Pimm.Core.Suppressing;
using Pimm.Database.Tests.KnownLift;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Exporting;

/// <summary>A finished small campaign whose customers have an e-mail address each, and every third one a phone.</summary>
public sealed class IdentifiedCampaign : IAsyncLifetime
{
    public SmallCampaign World { get; } = new();

    public async ValueTask InitializeAsync()
    {
        await World.InitializeAsync();
        await using var connection = await World.Pimm.Database.DataSource.OpenConnectionAsync();
        var customers = (await connection.QueryAsync<(Guid Customer, string Key)>($"select customer, customer_key from {World.Audience.CustomersTable} where version = 1")).ToList();
        var seen = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        await World.Pimm.Service<IdentifierStore>().SaveAsync(connection,
        [
            .. customers.Select(customer => new CustomerIdentifier(customer.Customer, IdentifierKind.Email, Email(customer.Key), seen)),
            .. customers.Where((_, row) => row % 3 == 0).Select((customer, row) => new CustomerIdentifier(customer.Customer, IdentifierKind.Phone, $"+49170{row:0000000}", seen)),
        ]);
    }

    public static string Email(string key) => $"c.{key}+x@gmail.com";

    public ValueTask DisposeAsync() => World.DisposeAsync();
}

public sealed class ChannelListTests(IdentifiedCampaign identified) : IClassFixture<IdentifiedCampaign>
{
    private readonly SmallCampaign world = identified.World;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string PathOf(string name) => Path.Combine(world.Pimm.Folder, "exports", name);

    private async Task<IReadOnlyList<ExportedList>> ListsAsync(string channel) =>
        [.. (await world.Pimm.Service<ExportStore>().ListsAsync(world.Campaign.Id, Cancel)).Where(list => list.Channel == channel)];

    private async Task<JobRun> ExportAsync(string channel, DateOnly? date, string? by = null)
    {
        var run = await RunAsync(channel, date, by);
        run.Error.ShouldBeNull();
        return run;
    }

    private Task<JobRun> RunAsync(string channel, DateOnly? date, string? by = null) =>
        world.Pimm.RunAsync(new JobRequest(ExportWave.JobKind, Guid.CreateVersion7().ToString(), new ExportRequest(channel, by), world.Campaign.Id, date), Cancel);

    private DateOnly Day(int wave) => world.Campaign.StartsOn.AddDays(wave);

    private async Task<string[]> LinesAsync(string name) => (await File.ReadAllLinesAsync(PathOf(name), Cancel))[1..];

    private async Task<(Guid Customer, string Key)> ExportedAsync(int wave, int arm, int nth)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.QuerySingleAsync<(Guid, string)>(
            $"select p.customer, c.customer_key from wave_plan p join {world.Audience.CustomersTable} c using (customer) where c.version = 1 and p.wave_date = @day and p.policy = @arm and p.arm = @arm and p.action = 1 order by p.customer limit 1 offset @nth",
            new { day = Day(wave), arm = (short)arm, nth });
    }

    private async Task SuppressAsync(params SuppressionEntry[] entries)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await world.Pimm.Service<SuppressionStore>().AddAsync(connection, entries);
        await transaction.CommitAsync(Cancel);
    }

    private static SuppressionEntry OptOut(Guid customer, string? channel) => new(SuppressionKey.Of(customer), channel, SuppressionEntry.DoNotContact, "a letter", "cli:test");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string MetaEmail(string key) => Hash(IdentifiedCampaign.Email(key));

    [Fact]
    public async Task A_list_has_what_the_channel_hashes_in_the_order_of_the_customers_hashes_and_a_manifest_that_says_so()
    {
        await ExportAsync("google-customer-match", Day(1), by: "cli:ann");

        foreach (var list in await ListsAsync("google-customer-match"))
        {
            var first = await ExportedAsync(1, list.Arm, 0);
            (await File.ReadAllLinesAsync(PathOf(list.FileName), Cancel))[0].ShouldBe("Email,Phone,First Name,Last Name,Country,Zip");
            var lines = await LinesAsync(list.FileName);
            lines.Length.ShouldBe(world.Campaign.ImpressionsPerDay);
            lines[0].ShouldStartWith(Hash($"c{first.Key}@gmail.com") + ",");
            lines.ShouldAllBe(line => line.Length == 64 + 5 || line.Length == 2 * 64 + 5);
            var manifest = list.ReadManifest()!;
            (await File.ReadAllTextAsync(PathOf(Path.ChangeExtension(list.FileName, ".manifest.json")), Cancel)).ShouldBe(list.Manifest);
            (manifest.File, manifest.Rows, manifest.Bytes, manifest.Sha256).ShouldBe((list.FileName, 60, new FileInfo(PathOf(list.FileName)).Length, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(PathOf(list.FileName), Cancel)))));
            (manifest.Profile, manifest.ExportedBy, manifest.ApprovedBy, manifest.Group, manifest.Revision).ShouldBe(("google-customer-match 1", "cli:ann", "demo:approver", list.Arm == 0 ? "a" : "b", 1));
            (manifest.Gate.Planned, manifest.Gate.Withheld, manifest.Gate.WithoutIdentifier, manifest.Add).ShouldBe((60, 0, 0, null));
            manifest.Fields[0].ShouldBe(new FieldCount("Email", Given: 60, Invalid: 0, Hashed: 60, Plain: 0, Incomplete: 0));
            manifest.Fields[1].Hashed.ShouldBe(lines.Count(line => line.Length > 100));
            manifest.Warnings.Single().ShouldStartWith("60 rows: google-customer-match cannot use a list of fewer than 100");
            list.Manifest!.ShouldNotContain(world.Campaign.Name);
            list.Manifest!.ShouldNotContain(world.Campaign.Salt + "\"");
        }
    }

    [Fact]
    public async Task A_list_and_its_manifest_are_the_same_bytes_when_they_are_written_again()
    {
        await ExportAsync("tiktok", Day(0));
        var list = (await ListsAsync("tiktok"))[0];
        string[] names = [list.FileName, Path.ChangeExtension(list.FileName, ".manifest.json")];
        var before = names.Select(name => File.ReadAllText(PathOf(name))).ToList();
        Array.ForEach(names, name => File.Delete(PathOf(name)));

        await ExportAsync("tiktok", Day(0));

        names.Select(name => File.ReadAllText(PathOf(name))).ShouldBe(before);
        (await ListsAsync("tiktok"))[0].ExportedAt.ShouldBe(list.ExportedAt);
    }

    [Fact]
    public async Task Who_opts_out_before_is_on_no_list_and_who_does_so_later_is_taken_back_with_the_next_one()
    {
        var (before, elsewhere, later) = (await ExportedAsync(0, 0, 3), await ExportedAsync(0, 0, 4), await ExportedAsync(0, 0, 5));
        await SuppressAsync(OptOut(before.Customer, "meta"), OptOut(elsewhere.Customer, "another"));

        await ExportAsync("meta", Day(0));
        var list = (await ListsAsync("meta"))[0];
        (list.Rows, list.Withheld).ShouldBe((59, 1));
        list.ReadManifest()!.Gate.Because.ShouldBe(new Dictionary<string, long> { ["do-not-contact"] = 1 });
        var lines = await LinesAsync(list.FileName);
        lines.ShouldNotContain(line => line.StartsWith(MetaEmail(before.Key)));
        lines.ShouldContain(line => line.StartsWith(MetaEmail(elsewhere.Key)));

        await SuppressAsync(OptOut(later.Customer, null));
        await ExportAsync("meta", Day(1));
        var next = (await ListsAsync("meta")).Single(list => list.WaveDate == Day(1) && list.Arm == 0);
        var delta = next.ReadManifest()!;
        (delta.Add!.Rows, delta.Remove!.Rows, delta.Remove.Unknown).ShouldBe((60, 1, 0));
        (await LinesAsync(delta.Remove.File)).Single().ShouldStartWith(MetaEmail(later.Key));
        File.ReadAllText(PathOf(delta.Add.File)).ShouldBe(File.ReadAllText(PathOf(next.FileName)));

        // Once is enough.
        await ExportAsync("meta", Day(2));
        (await ListsAsync("meta")).Where(list => list.WaveDate == Day(2)).ShouldAllBe(list => list.ReadManifest()!.Remove!.Rows == 0);

        // The first list, written again, is a revision without the customer; the one that was handed out is gone, its hash is not.
        await ExportAsync("meta", Day(0));
        var revision = (await ListsAsync("meta"))[0];
        (revision.Revision, revision.Rows, revision.Withheld, revision.FileName).ShouldBe((2, 58, 2, list.FileName.Replace(".csv", "_r2.csv")));
        (await LinesAsync(revision.FileName)).ShouldBe(lines.Where(line => !line.StartsWith(MetaEmail(later.Key))));
        revision.ReadManifest()!.Replaces.ShouldBe(new ManifestFile(list.FileName, 59, Convert.ToHexStringLower(list.Sha256)));
        revision.ReadManifest()!.Remove!.Rows.ShouldBe(0);
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        // The file goes when the run has succeeded.
        for (var deadline = Stopwatch.StartNew(); File.Exists(PathOf(list.FileName)) && deadline.Elapsed < TimeSpan.FromSeconds(20);)
            await Task.Delay(50, Cancel);
        File.Exists(PathOf(list.FileName)).ShouldBeFalse();
        (await connection.QueryAsync<string>("select encode(sha256, 'hex') from export_file where part = 'replaced' and channel = 'meta'")).ShouldContain(Convert.ToHexStringLower(list.Sha256));
        (await connection.QueryAsync<(Guid, string, string?)>("select customer, reason, removed_with from export_withheld where channel = 'meta' and arm = 0 order by withheld_at")).ShouldBe(
            [(before.Customer, "do-not-contact", null), (later.Customer, "do-not-contact", delta.Remove.File)]);
        (await connection.ExecuteScalarAsync<long>("select count(*) from audit_event where action = 'list.export' and object_id = any(@names)", new { names = new[] { list.FileName, revision.FileName } })).ShouldBe(2);
    }

    [Fact]
    public async Task Without_a_day_an_export_writes_what_is_missing_and_then_takes_back_whoever_opted_out_since()
    {
        const string channel = "tiktok";
        await ExportAsync(channel, null);
        (await ListsAsync(channel)).Select(list => list.WaveDate).Distinct().ShouldBe([Day(0), Day(1), Day(2)]);
        (await RunAsync(channel, null)).Error!.ShouldContain("has no wave without lists");
        var gone = await ExportedAsync(2, 1, 7);
        await SuppressAsync(OptOut(gone.Customer, channel));

        await ExportAsync(channel, null);

        var revised = (await ListsAsync(channel)).Single(list => list.Revision == 2);
        (revised.WaveDate, revised.Arm, revised.Withheld).ShouldBe((Day(2), (short)1, 1));
        (await LinesAsync(revised.ReadManifest()!.Remove!.File)).Single().ShouldStartWith(MetaEmail(gone.Key));
        (await RunAsync(channel, null)).Error!.ShouldContain("has no wave without lists");
    }
}
