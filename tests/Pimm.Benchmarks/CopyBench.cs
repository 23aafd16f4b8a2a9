using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Database;
using Pimm.Core.Scoring;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>
/// Scores and plans of a wave out of the database by the stores that read them, and into a table without an index by binary COPY, against psql's
/// \copy of the same rows, which understands none of them.
/// </summary>
internal static class CopyBench
{
    private const double Bound = 0.9;
    // A disk and a socket that others use: single turns differ by half.
    private const int Turns = 11;

    public static int Start(string[] arguments) =>
        SideBySideArguments.Of("copy", arguments, "--rows", 5_000_000, 1_000, 100_000_000) is { } given ? RunAsync(given).GetAwaiter().GetResult() : 2;

    private static async Task<int> RunAsync(SideBySideArguments given)
    {
        await using var cluster = PrivateCluster.Start("shared_buffers=1GB", "max_wal_size=16GB");
        await using var database = await TestDatabase.MigratedAsync(cluster);
        var folder = Directory.CreateTempSubdirectory("pimm-copy-");
        try
        {
            var results = new List<SideBySideResult>();
            await FillAsync(database, given.Size);
            given.Prepared();
            var (scorings, allocations) = (new ScoringStore(database.DataSource), new AllocationStore(database.DataSource, TimeProvider.System));
            IReadOnlyList<CustomerScore> scores = [];
            IReadOnlyList<PlanRow> plans = [];
            var bench = new Comparer(cluster, database, given.Size, folder.FullName);
            results.Add(await bench.OutAsync("scores", "select customer, control_score, treatment_score from score where scoring_id = 1 order by customer", async () =>
            {
                // Nobody holds a campaign's scores, or plans, twice.
                scores = [];
                scores = await scorings.ScoresAsync(1);
            }));
            results.Add(await bench.InAsync("scores", "select customer, scoring_id, control_score, treatment_score from score", "score (customer, scoring_id, control_score, treatment_score)", () => scores, (import, score) =>
            {
                import.Write(score.Customer);
                import.Write(1L);
                import.Write(score.Control);
                import.Write(score.Treatment);
            }));
            const string columns = "customer, wave_date, policy, arm, action, exploration, rank, propensity";
            results.Add(await bench.OutAsync("plans", $"select {columns} from wave_plan where campaign_id = 1 order by wave_date, customer, policy", async () =>
            {
                plans = [];
                plans = await allocations.PlansAsync(1);
            }));
            results.Add(await bench.InAsync("plans", $"select customer, campaign_id, {columns[10..]} from wave_plan", $"wave_plan (customer, campaign_id, {columns[10..]})", () => plans, WritePlan));
            return SideBySide.Tell("copy", given, results);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void WritePlan(CopyWriter import, PlanRow plan)
    {
        import.Write(plan.Customer);
        import.Write(1L);
        import.Write(plan.WaveDate);
        import.Write((short)plan.Policy);
        import.Write((short)plan.Arm);
        import.Write((short)plan.Action);
        import.Write(plan.Exploration);
        import.Write(plan.Rank);
        import.Write(plan.Propensity);
    }

    private static async Task FillAsync(TestDatabase database, long rows)
    {
        await using var owner = await database.Owner.OpenConnectionAsync();
        await owner.ExecuteAsync(
            $"""
            set session_replication_role = replica;
            insert into scoring(id, campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at)
            overriding system value values (1, 1, 1, 1, 1, {rows}, '[]', now());
            insert into score(customer, scoring_id, control_score, treatment_score)
            select md5(i::text)::uuid, 1, random(), random() from generate_series(1, {rows}) i order by 1;
            insert into wave_plan(customer, campaign_id, wave_date, policy, arm, action, exploration, rank, propensity)
            select customer, 1, '2026-03-02', mod(i, 2), 1, 1, i % 20 = 0, case when i % 20 > 0 then i end, case when i % 20 = 0 then 0.05 end
              from (select customer, row_number() over (order by customer)::integer as i from score) s;
            """, commandTimeout: 0);
        await owner.ExecuteAsync("vacuum analyze score", commandTimeout: 0);
        await owner.ExecuteAsync("vacuum analyze wave_plan", commandTimeout: 0);
    }

    private sealed class Comparer(PrivateCluster cluster, TestDatabase database, long rows, string folder)
    {
        public async Task<SideBySideResult> OutAsync(string name, string query, Func<Task> read)
        {
            var allocated = 0L;
            var result = await SideBySide.MeasureAsync($"{name} out", Turns, Bound,
                () => SideBySide.TakeAsync(cluster, async () =>
                {
                    allocated = -GC.GetTotalAllocatedBytes();
                    await read();
                    allocated += GC.GetTotalAllocatedBytes();
                }),
                () => PeerAsync($"\\copy ({query}) to '/dev/null' binary\nselect 1;\n", 1), "");
            return result with { Remark = Remark(allocated) };
        }

        public async Task<SideBySideResult> InAsync<T>(string name, string query, string target, Func<IReadOnlyList<T>> given, Action<CopyWriter, T> write)
        {
            var (file, table, allocated) = (Path.Combine(folder, name), target.Split(' ')[0], 0L);
            await Psql.RunAsync(database, $"\\copy ({query}) to '{file}' binary\ncreate table {table}_in (like {table});\nselect 1;\n", 1);
            var result = await SideBySide.MeasureAsync($"{name} in", Turns, Bound,
                async () =>
                {
                    await using var owner = await database.Owner.OpenConnectionAsync();
                    await owner.ExecuteAsync($"truncate {table}_in");
                    return await SideBySide.TakeAsync(cluster, async () =>
                    {
                        allocated = -GC.GetTotalAllocatedBytes();
                        await BulkCopy.WriteAsync(owner, target.Replace($"{table} ", $"{table}_in ", StringComparison.Ordinal), given(), write, CancellationToken.None);
                        allocated += GC.GetTotalAllocatedBytes();
                    });
                },
                async () =>
                {
                    await Psql.RunAsync(database, $"truncate {table}_in;\nselect 1;\n", 1);
                    return await PeerAsync($"\\copy {target.Replace($"{table} ", $"{table}_in ", StringComparison.Ordinal)} from '{file}' binary\nselect 1;\n", 1);
                }, "");
            return result with { Remark = Remark(allocated) };
        }

        private Task<Took> PeerAsync(string script, long expected) => SideBySide.TakeAsync(cluster, () => Psql.RunAsync(database, script, expected));

        private string Remark(long allocated) => string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows, {(double)allocated / rows:0.0} bytes allocated a row");
    }
}
