using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Simulating;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>
/// A simulated audience with its history, a trained line, and a campaign with one wave that is still to be exported. Every fault
/// gets a copy of it; what undisturbed runs make of it is the reference.
/// </summary>
public sealed class Market : IAsyncLifetime
{
    public const string Name = "one market at a time";

    private const string Quick = """{"epochs": "4", "batch": "100"}""";

    private static readonly DateOnly Wave = new(2026, 6, 1);

    private PimmInstance _pimm = null!;

    public long AudienceId { get; private set; }

    public Campaign Campaign { get; private set; } = null!;

    /// <summary>Model line with weights, the campaign's treatment.</summary>
    public ModelLine Line { get; private set; } = null!;

    /// <summary>A model line that is still to be trained.</summary>
    public ModelLine Untrained { get; private set; } = null!;

    /// <summary>A second state of the audience's customers.</summary>
    public string CustomersFile { get; private set; } = "";

    /// <summary>The audience's outcomes once more, as another source counts them.</summary>
    public string OutcomesFile { get; private set; } = "";

    /// <summary>What undisturbed runs give.</summary>
    public IReadOnlyDictionary<string, string> Reference { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _pimm = await PimmInstance.StartAsync();
        var demo = await _pimm.Service<CampaignStore>().GetAsync(await _pimm.RunDemoAsync(SyntheticCampaign.Small(), CancellationToken.None));
        AudienceId = demo.AudienceId;
        CustomersFile = _pimm.Write("customers-again.csv", WithoutTheFirst(Path.Combine(_pimm.Folder, $"customers-{AudienceId}.csv")));
        OutcomesFile = _pimm.Write("outcomes-again.csv", WithoutTheFirst(Path.Combine(_pimm.Folder, $"outcomes-{demo.Id}.csv")));
        var models = _pimm.Service<ModelStore>();
        Line = await models.GetLineAsync(await models.CreateLineAsync(AudienceId, "trained", "pimm", Quick));
        Untrained = await models.GetLineAsync(await models.CreateLineAsync(AudienceId, "untrained", "pimm", Quick));
        await DoAsync(TrainModelLine.JobKind, new TrainLineRequest(Line.Id, Seed: 1, demo.StartsAt));
        var campaigns = _pimm.Service<CampaignStore>();
        Campaign = await campaigns.GetAsync(await campaigns.CreateAsync(
            demo with { Name = "Faulted", Salt = "faulted", StartsOn = Wave, TreatmentLineId = Line.Id }));
        await DoAsync(ScoreCampaign.JobKind, new { }, Campaign.Id);
        await _pimm.ApproveAsync(Campaign.Id, CancellationToken.None);
        await DoAsync(AllocateWave.JobKind, new { }, Campaign.Id, Wave);
        // One more version, which nobody has judged.
        await DoAsync(TrainModelLine.JobKind, new TrainLineRequest(Line.Id, Seed: 3, demo.StartsAt), key: "refresh");
        await _pimm.StopWorkingAsync();
        Reference = await MeasureAsync();
    }

    public Task<TestDatabase> CopyAsync() => _pimm.Database.CopyAsync();

    public JobRequest Request(string kind) => kind switch
    {
        TrainModelLine.JobKind => new JobRequest(kind, "faulted", new TrainLineRequest(Untrained.Id, Seed: 2, Campaign.StartsAt)),
        ImportFile.JobKind => new JobRequest(kind, "faulted", new ImportRequest(AudienceId, "customers", CustomersFile)),
        PromoteVersion.JobKind => new JobRequest(kind, "faulted", new PromoteRequest(Line.Id)),
        ImportOutcomes.JobKind => new JobRequest(kind, "faulted", new OutcomesRequest(AudienceId, OutcomesFile, "another source")),
        ExportWave.JobKind => new JobRequest(kind, "faulted", new { }, Campaign.Id, Wave),
        _ => new JobRequest(kind, "faulted", new { }, Campaign.Id),
    };

    /// <summary>One text that is equal exactly where what the run has made is.</summary>
    internal async Task<string> MadeAsync(FaultWorld world, string kind, long run) => kind == ExportWave.JobKind
        ? string.Join('\n', Directory.GetFiles(Path.Combine(world.Folder, "exports"), "*.csv").Order(StringComparer.Ordinal).Select(file => $"{Path.GetFileName(file)} {FileHash(file)}"))
            + await world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<string>("select string_agg(encode(sha256, 'hex'), ' ' order by file_name) from export where run_id = @run", new { run }))
        : (await world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<string>(MadeBy(kind), new { run })))!;

    private string MadeBy(string kind) => kind switch
    {
        TrainModelLine.JobKind => "select string_agg(version || ' ' || encode(weights_sha256, 'hex'), ' ') from model_version where run_id = @run",
        ScoreCampaign.JobKind => """
            select count(*) || ' of ' || max(g.customers) || ' ' || md5(string_agg(s.customer || ' ' || s.control_score || ' ' || s.treatment_score, ',' order by s.customer))
              from scoring g join score s on s.scoring_id = g.id where g.run_id = @run and g.finished_at is not null
            """,
        ImportFile.JobKind => $"""
            select count(*) || ' ' || max(v.customers) || ' ' || md5(string_agg(c::text, ',' order by c.customer))
              from import_file f join audience_version v on v.import_file_id = f.id
              join audience.customers_{AudienceId} c on c.version = v.version where f.run_id = @run
            """,
        PromoteVersion.JobKind => """
            select 'champion ' || v.version || ' of ' || (select count(*) from promotion p where p.model_line_id = v.model_line_id) || ' promotions, judged '
                || (select count(*) || ': ' || string_agg(j.decision || ' ' || coalesce(j.difference::text, ''), ', ') from promotion_judgement j where j.model_line_id = v.model_line_id)
              from champion c join model_version v on v.id = c.model_version_id
             where c.model_line_id = (select j.model_line_id from promotion_judgement j where j.run_id = @run)
            """,
        ImportOutcomes.JobKind => """
            select max(concat_ws(' ', f.received, f.created, f.skipped, f.quarantined)) || ' ' || count(o) || ' of ' || count(*) || ' ' || md5(string_agg(concat(e.event_id, o.customer, o.occurred_at, o.amount), ',' order by e.event_id))
              from import_file f join outcome_event e on e.import_file_id = f.id
              left join customer_outcome o on o.source = e.source and o.event_id = e.event_id where f.run_id = @run
            """,
        _ => throw new InvalidOperationException($"Nothing tells what a run of the kind {kind} made."),
    };

    /// <summary>Small pieces, so that a fault lies between them.</summary>
    public static IReadOnlyDictionary<string, string> SmallPieces { get; } = new Dictionary<string, string>
    {
        ["Scoring__ShardCustomers"] = "500", ["Scoring__Assistants"] = "1", ["Importing__ChunkRows"] = "200", ["Training__CheckpointInterval"] = "00:00:00",
        // So few rows show little: enough for a promotion.
        ["Promoting__MinimumPositives"] = "1", ["Promoting__Margin"] = "0.2", ["Promoting__Alpha"] = "0.5", ["Promoting__Nights"] = "1",
        ["Promoting__CalibrationLowest"] = "0.01", ["Promoting__CalibrationHighest"] = "10",
    };

    private async Task<IReadOnlyDictionary<string, string>> MeasureAsync()
    {
        var made = new Dictionary<string, string>();
        await FaultWorld.RunAsync(0, "nothing", async world =>
        {
            world.StartWorker(settings: SmallPieces);
            foreach (var kind in (string[])[TrainModelLine.JobKind, ScoreCampaign.JobKind, ExportWave.JobKind, ImportFile.JobKind, ImportOutcomes.JobKind, PromoteVersion.JobKind])
            {
                var run = await world.FinishedAsync(await world.Queue.EnqueueAsync(Request(kind)));
                run.State.ShouldBe(JobStates.Succeeded, run.Error);
                made[kind] = await MadeAsync(world, kind, run.Id);
            }

            world.Recovered(null, "the undisturbed reference");
        }, CopyAsync());
        return made;
    }

    private async Task DoAsync(string kind, object arguments, long? campaign = null, DateOnly? date = null, string key = "market")
    {
        var run = await _pimm.RunAsync(new JobRequest(kind, key, arguments, campaign, date), CancellationToken.None);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
    }

    private static string WithoutTheFirst(string file)
    {
        var lines = File.ReadAllLines(file);
        return string.Join('\n', lines.Take(1).Concat(lines.Skip(2))) + "\n";
    }

    private static string FileHash(string file) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));

    public ValueTask DisposeAsync() => _pimm.DisposeAsync();
}

[CollectionDefinition(Market.Name)]
public sealed class MarketCollection : ICollectionFixture<Market>;
