using System.Diagnostics;
using System.Globalization;
using Dapper;
using Pimm.Core.Allocating;
using Pimm.Core.Datasets;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Training;
using Pimm.Jobs.Tests;
using Pimm.Testing;
using TorchSharp;

namespace Pimm.Benchmarks;

/// <summary>
/// How the cost of each stage grows: measured at three sizes a decade apart, with the exponent of the line through them on logarithmic
/// scales. What costs n log n has an exponent of about 1.08 here; what is beyond it by more than a measurement's noise is missed.
/// </summary>
internal static class GrowthBench
{
    private const double MostExponent = 1.15;
    private const int Outcomes = 20;
    private static readonly string[] Stages = ["train", "score", "split", "import", "select", "report"];

    public static int Start(string[] arguments) =>
        SideBySideArguments.Of("growth", arguments, "--largest", 2_000_000, 200_000, 20_000_000) is { } given ? RunAsync(given).GetAwaiter().GetResult() : 2;

    private static async Task<int> RunAsync(SideBySideArguments given)
    {
        int[] sizes = [(int)given.Size / 100, (int)given.Size / 10, (int)given.Size];
        var took = Stages.ToDictionary(stage => stage, _ => new List<double>());
        // What is compiled and read for the first time is not counted.
        foreach (var (size, counts) in sizes.Select(size => (size, true)).Prepend((sizes[0], false)))
        {
            foreach (var (stage, seconds) in await MeasureAsync(size))
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{size:N0}: {stage} {seconds:0.000} s{(counts ? "" : ", not counted")}"));
                if (counts)
                {
                    took[stage].Add(seconds);
                }
            }
        }
        return SpeedLine.Tell("growth", given.Json, [.. took.Select(stage => LineOf(stage.Key, sizes, stage.Value))]);
    }

    private static SpeedLine LineOf(string stage, int[] sizes, List<double> seconds)
    {
        double Between(int from, int to) => Math.Log10(seconds[to] / seconds[from]) / (to - from);
        var (early, late) = (Between(0, 1), Between(1, 2));
        // Through three points at even distances the line's slope is that of its ends.
        return new SpeedLine(
            $"exponent of {stage}", Between(0, 2), Math.Min(early, late), Math.Max(early, late), "", string.Create(CultureInfo.InvariantCulture, $"at most {MostExponent} (n log n), in the last decade too"), Between(0, 2) <= MostExponent && late <= MostExponent,
            string.Join(", ", sizes.Zip(seconds, (size, second) => string.Create(CultureInfo.InvariantCulture, $"{size:N0} in {second:0.00} s"))));
    }

    private static async Task<IReadOnlyList<(string Stage, double Seconds)>> MeasureAsync(int size)
    {
        var result = new List<(string, double)> { ("train", Train(size)), ("split", Split(size)) };
        await using var cluster = PrivateCluster.Start("fsync=on", "shared_buffers=512MB", "max_wal_size=16GB");
        await using var pimm = await PimmInstance.StartAsync(cluster: cluster);
        var file = Path.Combine(pimm.Folder, "customers.csv");
        IngestImport.Write(file, size);
        result.Add(("import", await IngestImport.ImportAsync(pimm, file, "growth", size)));
        File.Delete(file);
        result.AddRange(await CampaignAsync(pimm, size));
        return result;
    }

    /// <summary>One epoch over as many impressions.</summary>
    private static double Train(int rows)
    {
        var path = Path.GetTempFileName();
        try
        {
            TrainShape.AliCcp.Write(path, rows);
            using var data = Snapshot.Open(path);
            torch.set_num_threads(Environment.ProcessorCount);
            torch.manual_seed(1);
            using var network = TrainShape.AliCcp.Network();
            var clock = Stopwatch.StartNew();
            new TrainingLoop(network, data, new TrainingOptions { Batch = 2_000, Epochs = 1, Averaging = 0, Threads = Environment.ProcessorCount }, TimeProvider.System).Run(_ => { }, CancellationToken.None);
            return clock.Elapsed.TotalSeconds;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double Split(int size)
    {
        var (customers, covariates) = SplitBench.Customers(size);
        var clock = Stopwatch.StartNew();
        Splitter.BestOf(customers, covariates, "growth", Splitter.DefaultCandidates);
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>The stages of a campaign over as many customers, each as its run took by the record.</summary>
    private static async Task<IReadOnlyList<(string Stage, double Seconds)>> CampaignAsync(PimmInstance pimm, int size)
    {
        var campaign = await ScoringAudience.MakeAsync(pimm, size, history: 20_000, CancellationToken.None);
        var score = await RunAsync(pimm, ScoreCampaign.JobKind, campaign);
        await pimm.ApproveAsync(campaign, CancellationToken.None);
        var select = await RunAsync(pimm, AllocateWave.JobKind, campaign);
        await using (var owner = await pimm.Database.Owner.OpenConnectionAsync())
        {
            await owner.ExecuteAsync(
                """
                insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id)
                select a.customer, c.audience_id, c.starts_on + interval '5 days' + (row_number() over ()) % 20 * interval '1 day', 100, 'growth', a.customer::text
                  from assignment a join campaign c on c.id = a.campaign_id where a.campaign_id = @campaign and hashtext(a.customer::text) % @every = 0
                """, new { campaign, every = Outcomes }, commandTimeout: 600);
            await owner.ExecuteAsync("vacuum analyze", commandTimeout: 600);
        }
        return [("score", score), ("select", select), ("report", await RunAsync(pimm, MeasureLift.JobKind, campaign))];
    }

    private static async Task<double> RunAsync(PimmInstance pimm, string kind, long campaign)
    {
        var run = await pimm.RunAsync(new JobRequest(kind, $"growth {kind}", new { }, campaign, MaxAttempts: 1), CancellationToken.None);
        return run is { State: JobStates.Succeeded, StartedAt: { } start, FinishedAt: { } end } ? (end - start).TotalSeconds
            : throw new InvalidOperationException($"The run {kind} ended as {run.State}: {run.Error}");
    }
}
