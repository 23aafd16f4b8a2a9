using System.Globalization;
using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Jobs.Tests;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>
/// A run of the kind "score" by one worker, with a random line and a trained PIMM, against the larger of: the slowest of reading, computing
/// and writing alone, and the processor time of the run, the server's included, shared among the processors. A ratio of 0.8 is 1.25 times as long.
/// </summary>
internal sealed class ScoreDbBench(PrivateCluster cluster, PimmInstance pimm, Campaign campaign, Audience audience)
{
    private const double Bound = 1 / 1.25;
    private const int Turns = 5;
    private const int History = 20_000;

    public static int Start(string[] arguments) =>
        SideBySideArguments.Of("score-db", arguments, "--customers", 10_000_000, 20_000, 100_000_000) is { } given ? RunAsync(given).GetAwaiter().GetResult() : 2;

    private static async Task<int> RunAsync(SideBySideArguments given)
    {
        await using var cluster = PrivateCluster.Start("fsync=on", "shared_buffers=512MB", "max_wal_size=16GB");
        await using var pimm = await PimmInstance.StartAsync(cluster: cluster);
        var campaign = await pimm.Service<CampaignStore>().GetAsync(await ScoringAudience.MakeAsync(pimm, (int)given.Size, History, CancellationToken.None));
        given.Prepared();
        var bench = new ScoreDbBench(cluster, pimm, campaign, await pimm.Service<AudienceStore>().GetAsync(campaign.AudienceId));
        return SideBySide.Tell("score-db", given, [await bench.MeasureAsync(given.Size)]);
    }

    private async Task<SideBySideResult> MeasureAsync(long customers)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{customers:N0} customers from database to database");
        var (pairs, remark) = (new List<(Took, Took)>(), "");
        await using var owner = await pimm.Database.Owner.OpenConnectionAsync();
        await owner.ExecuteAsync(
            """
            create table score_alone (like score including all);
            create trigger points after insert on score_alone referencing new table as changed for each statement execute function rows_point_to_a_row('points', 'scoring_id', 'scoring', 'id');
            """);
        for (var turn = 0; turn <= Turns; turn++)
        {
            await owner.ExecuteAsync("truncate score, score_alone; checkpoint");
            var whole = await SideBySide.TakeAsync(cluster, () => ScoreAsync(turn, customers));
            var scoring = await pimm.Service<ScoringStore>().NewestAsync(campaign.Id);
            var scores = await pimm.Service<ScoringStore>().ScoresAsync(scoring!.Id);
            var read = await SideBySide.TakeAsync(cluster, ReadAsync);
            var compute = await ComputeAsync(scoring, customers);
            var write = await SideBySide.TakeAsync(cluster, () => WriteAsync(owner, scoring.Id, scores));
            var least = new[] { read.Seconds, compute.Seconds, write.Seconds, whole.ProcessorSeconds / Environment.ProcessorCount }.Max();
            pairs.Add((whole, new Took(least, read.ProcessorSeconds + compute.ProcessorSeconds + write.ProcessorSeconds)));
            SideBySide.Say(name, turn, pairs[^1].Item1, pairs[^1].Item2);
            remark = string.Create(CultureInfo.InvariantCulture,
                $"the last turn alone: read {read.Seconds:0.0} s, compute {compute.Seconds:0.0} s, write {write.Seconds:0.0} s, processors {whole.ProcessorSeconds:0.0} s ÷ {Environment.ProcessorCount}; {customers / whole.Seconds:N0} customers/s");
        }
        return SideBySide.ResultOf(name, pairs[1..], Bound, remark);
    }

    private async Task ScoreAsync(int turn, long customers)
    {
        var run = await pimm.RunAsync(new JobRequest(ScoreCampaign.JobKind, $"bench {turn}", new { }, campaign.Id), CancellationToken.None);
        if (run.State != JobStates.Succeeded || !run.Result!.Contains(customers.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The scoring ended as {run.State} with {run.Result}: {run.Error}");
        }
    }

    private async Task ReadAsync()
    {
        await foreach (var batch in pimm.Service<AudienceReader>().CustomersAsync(audience, 1))
        {
            _ = batch.Count;
        }
    }

    private async Task<Took> ComputeAsync(ScoringRun scoring, long customers)
    {
        var champions = pimm.Service<ChampionScorers>();
        using var control = await champions.OpenAsync(audience, await champions.VersionAsync(scoring.ControlVersionId, default), default);
        using var treatment = await champions.OpenAsync(audience, await champions.VersionAsync(scoring.TreatmentVersionId, default), default);
        var batch = await pimm.Service<AudienceReader>().CustomersAsync(audience, 1).FirstAsync();
        var scores = new float[batch.Capacity];
        return await SideBySide.TakeAsync(cluster, () =>
        {
            for (var left = customers; left > 0; left -= batch.Count)
            {
                control.Score(batch, scores.AsSpan(0, batch.Count));
                treatment.Score(batch, scores.AsSpan(0, batch.Count));
            }
            return Task.CompletedTask;
        });
    }

    private static Task WriteAsync(Npgsql.NpgsqlConnection owner, long scoring, IReadOnlyList<CustomerScore> scores) =>
        BulkCopy.WriteAsync(owner, "score_alone (customer, scoring_id, control_score, treatment_score)", scores, (import, score) =>
        {
            import.Write(score.Customer);
            import.Write(scoring);
            import.Write(score.Control);
            import.Write(score.Treatment);
        }, CancellationToken.None);
}
