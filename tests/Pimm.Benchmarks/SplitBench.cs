using System.Globalization;
using Dapper;
using Pimm.Core.Allocating;
using Pimm.Core.Database;
using Pimm.Core.Statistics;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>
/// The best of a hundred salts for two covariates, against what SQL needs to judge one salt: an aggregate over the table with the
/// server's own fastest hash. One salt is measured; a hundred times that is arithmetic.
/// </summary>
internal static class SplitBench
{
    private const double Bound = 20;
    private const int Turns = 5;
    private const int Salts = Splitter.DefaultCandidates;

    public static int Start(string[] arguments) =>
        SideBySideArguments.Of("split", arguments, "--customers", 10_000_000, 1_000, 100_000_000) is { } given ? RunAsync(given).GetAwaiter().GetResult() : 2;

    private static async Task<int> RunAsync(SideBySideArguments given)
    {
        var (customers, covariates) = Customers((int)given.Size);
        await using var cluster = PrivateCluster.Start("shared_buffers=2GB", "max_wal_size=16GB", "max_parallel_workers_per_gather=2");
        await using var database = await TestDatabase.MigratedAsync(cluster);
        await FillAsync(database, customers, covariates);

        given.Prepared();
        var result = await SideBySide.MeasureAsync(
            string.Create(CultureInfo.InvariantCulture, $"best of {Salts} salts for {given.Size:N0} customers and two covariates"), Turns, Bound,
            () => SideBySide.TakeAsync(cluster, () =>
            {
                Splitter.BestOf(customers, covariates, "bench", Salts);
                return Task.CompletedTask;
            }),
            async () =>
            {
                var one = await SideBySide.TakeAsync(cluster, () => Psql.RunAsync(database, PeerScript, expected: 1));
                return new Took(Salts * one.Seconds, Salts * one.ProcessorSeconds);
            },
            $"PostgreSQL: uuid_hash_extended with one salt measured, times {Salts} as arithmetic");
        return SideBySide.Tell("split", given, [result]);
    }

    /// <summary>Customers in their order, with two covariates that are long-tailed and correlated.</summary>
    internal static (Guid[] Customers, double[][] Covariates) Customers(int size)
    {
        var stream = new RandomStream(1, "customers");
        var customers = new Guid[size];
        double[][] covariates = [new double[size], new double[size]];
        for (var i = 0; i < customers.Length; i++)
        {
            customers[i] = new Guid(unchecked((int)stream.NextUInt64()), 0, 0, BitConverter.GetBytes(stream.NextUInt64()));
            var common = stream.NextNormal();
            (covariates[0][i], covariates[1][i]) = (Math.Exp(common + stream.NextNormal()), Math.Exp(common + stream.NextNormal()));
        }
        Array.Sort(customers);
        return (customers, covariates);
    }

    private static async Task FillAsync(TestDatabase database, Guid[] customers, double[][] covariates)
    {
        await using var owner = await database.Owner.OpenConnectionAsync();
        await owner.ExecuteAsync("create unlogged table split (customer uuid, a double precision, b double precision)");
        await BulkCopy.WriteAsync(owner, "split", Enumerable.Range(0, customers.Length), (import, i) =>
        {
            import.Write(customers[i]);
            import.Write(covariates[0][i]);
            import.Write(covariates[1][i]);
        }, CancellationToken.None);
        await owner.ExecuteAsync("vacuum analyze split", commandTimeout: 0);
    }

    private const string PeerScript =
        """
        \o /dev/null
        select count(*), sum(a), sum(b) from split where uuid_hash_extended(customer, 17) < 0;
        \o
        select 1;

        """;
}
