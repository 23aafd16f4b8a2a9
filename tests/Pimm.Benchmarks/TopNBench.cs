using System.Globalization;
using Dapper;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>
/// A campaign's first wave out of scores that stand in memory, against the SQL window function on the same rows: the best N of each arm
/// by each model, ties by hash. PostgreSQL is spared what it would be slow at: flags and hashes stand in its table already, and it
/// only counts whom it found.
/// </summary>
internal static class TopNBench
{
    private const double Bound = 50;
    private const int Turns = 3;
    private const int Largest = 100_000;

    public static int Start(string[] arguments) =>
        SideBySideArguments.Of("top-n", arguments, "--rows", 43_000_000, 1_000, 100_000_000) is { } given ? RunAsync(given).GetAwaiter().GetResult() : 2;

    private static async Task<int> RunAsync(SideBySideArguments given)
    {
        var wanted = (int)Math.Clamp(given.Size / 400, 10, Largest);
        var campaign = new Campaign(
            1, "bench", 1, 1, 2, "Asia/Shanghai", new DateOnly(2026, 3, 2), 5, 30, wanted, 0.1, 0, "plain", 1, "bench", "bench", DateTimeOffset.UnixEpoch);
        var (scores, assignments) = Customers((int)given.Size, campaign);
        await using var cluster = PrivateCluster.Start("shared_buffers=1GB", "work_mem=1GB", "max_wal_size=16GB", "max_parallel_workers_per_gather=2");
        await using var database = await TestDatabase.MigratedAsync(cluster);
        await FillAsync(database, campaign, scores, assignments);

        given.Prepared();
        var found = 0;
        var result = await SideBySide.MeasureAsync(
            string.Create(CultureInfo.InvariantCulture, $"best {wanted:N0} of each arm by each model out of {given.Size:N0} customers"), Turns, Bound,
            async () =>
            {
                IReadOnlyList<PlanRow> rows = [];
                var took = await SideBySide.TakeAsync(cluster, () =>
                {
                    (_, rows) = CampaignWaves.Select(campaign, 1, campaign.StartsOn, scores, assignments, []);
                    return Task.CompletedTask;
                });
                found = rows.Where(row => row.Action == 1).Select(row => row.Customer).Distinct().Count();
                return took;
            },
            () => SideBySide.TakeAsync(cluster, () => Psql.RunAsync(database, PeerScript(wanted), expected: found)),
            "PostgreSQL: row_number() over the same rows in a table, work_mem 1 GB, its own hold-back flags and tie hashes stored; both found the same number of customers");
        return SideBySide.Tell("top-n", given, [result]);
    }

    private static (List<CustomerScore> Scores, List<Assignment> Assignments) Customers(int count, Campaign campaign)
    {
        var keys = new Guid[count];
        var stream = new RandomStream(1, "customers");
        for (var i = 0; i < count; i++)
        {
            keys[i] = new Guid(unchecked((int)stream.NextUInt64()), 0, 0, BitConverter.GetBytes(stream.NextUInt64()));
        }
        Array.Sort(keys);
        var (scores, assignments) = (new List<CustomerScore>(count), new List<Assignment>(count));
        var (split, hold) = (SaltKey.From(campaign.SaltFor("split")), SaltKey.From(campaign.SaltFor("hold-back")));
        foreach (var key in keys)
        {
            // Skewed as probabilities are, and correlated as two models' scores are.
            var common = stream.NextNormal();
            scores.Add(new CustomerScore(key, (float)Probability(common + stream.NextNormal()), (float)Probability(common + stream.NextNormal())));
            assignments.Add(new Assignment(key, (byte)Splitter.ArmOf(key, split), CustomerHash.Share(CustomerHash.Salted(key, hold)) < campaign.HoldbackShare));
        }
        return (scores, assignments);
    }

    private static double Probability(double x) => 1 / (1 + Math.Exp(5 - x));

    private static async Task FillAsync(TestDatabase database, Campaign campaign, List<CustomerScore> scores, List<Assignment> assignments)
    {
        var tie = SaltKey.From(campaign.SaltFor("tie"));
        await using var owner = await database.Owner.OpenConnectionAsync();
        await owner.ExecuteAsync("create unlogged table top_n (customer uuid, tie bigint, control real, treatment real, arm smallint, flagged boolean)");
        await BulkCopy.WriteAsync(owner, "top_n", scores.Zip(assignments), (import, row) =>
        {
            import.Write(row.First.Customer);
            // As the hash without a sign, in the order of numbers with one.
            import.Write((long)(CustomerHash.Salted(row.First.Customer, tie) ^ (1UL << 63)));
            import.Write(row.First.Control);
            import.Write(row.First.Treatment);
            import.Write((short)row.Second.Arm);
            import.Write(row.Second.Flagged);
        }, CancellationToken.None);
        await owner.ExecuteAsync("vacuum analyze top_n", commandTimeout: 0);
    }

    private static string PeerScript(int wanted) =>
        $"""
        select count(*) from (
            select row_number() over (partition by arm order by control desc, tie) as by_control, row_number() over (partition by arm order by treatment desc, tie) as by_treatment
              from top_n where not flagged) ranked
         where by_control <= {wanted} or by_treatment <= {wanted};

        """;
}
