using System.Diagnostics;
using System.Globalization;
using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Statistics;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>
/// A customer file of twelve columns, from the file to a version that can be scored, against the bare way with psql: COPY to a text
/// table, regular expressions, a typed insert with a primary key. Both write to the same server, turn by turn.
/// </summary>
internal static class IngestImport
{
    private static readonly string[] Numbers = ["age", "income", "tenure_days", "logins_30d", "balance", "transfers_90d", "funds_held"];
    private static readonly string[] Texts = ["city", "device", "channel", "opened_in"];

    private const int Rows = 1_000_000;
    private const int Turns = 3;
    private const double LeastShare = 0.5;

    public static async Task<IReadOnlyList<IngestResult>> MeasureAsync()
    {
        await using var cluster = PrivateCluster.Start("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB");
        await using var pimm = await PimmInstance.StartAsync(cluster: cluster);
        var path = Path.Combine(pimm.Folder, "customers.csv");
        Write(path, Rows);
        var (ours, peer) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < Turns; turn++)
        {
            ours.Add(Rows / await ImportAsync(pimm, path, $"bench {turn}", Rows));
            peer.Add(Rows / await Psql.RunAsync(pimm.Database, PeerScript(path), expected: Rows));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"import, turn {turn + 1}: ours {ours[^1]:N0} rows/s, psql {peer[^1]:N0} rows/s"));
        }
        var ratio = IngestRatio.Of(ours.Zip(peer, (a, b) => a / b));
        return [new IngestResult("import of a customer file, 12 columns", Rows, "psql: COPY to text, checks, typed insert", IngestRatio.MedianOf(ours), IngestRatio.MedianOf(peer), ratio, "rows/s", ratio.Median >= LeastShare, "at least 0.5 of the peer")];
    }

    // A new audience each time, so that none finds the rows of one before.
    internal static async Task<double> ImportAsync(PimmInstance pimm, string path, string name, int rows)
    {
        var clock = Stopwatch.StartNew();
        var columns = ColumnDetection.Detect(path, "customer", []);
        var audience = await pimm.Service<AudienceStore>().CreateAsync(name, "customer", columns, ["click", "conversion", "core_conversion"]);
        var run = await pimm.RunAsync(new JobRequest(ImportFile.JobKind, name, new ImportRequest(audience, "customers", path)), CancellationToken.None);
        var seconds = clock.Elapsed.TotalSeconds;
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync();
        var written = await connection.ExecuteScalarAsync<long>($"select count(*) from audience.customers_{audience}");
        return run.State == JobStates.Succeeded && written == rows ? seconds
            : throw new InvalidOperationException($"The import ended as {run.State} with {written} of {rows} rows: {run.Error}");
    }

    private static string PeerScript(string path)
    {
        string[] all = ["customer", .. Numbers, .. Texts];
        var good = string.Join(" and ", Numbers.Select(name => $"({name} = '' or {name} ~ '^[-+]?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?$')"));
        return $"""
            drop table if exists bare_staging, bare_customers;
            create unlogged table bare_staging ({string.Join(", ", all.Select(name => $"{name} text"))});
            create table bare_customers (customer text primary key, {string.Join(", ", Numbers.Select(name => $"{name} double precision"))}, {string.Join(", ", Texts.Select(name => $"{name} text"))});
            \copy bare_staging from '{path}' csv header null '\N'
            insert into bare_customers select customer, {string.Join(", ", Numbers.Select(name => $"nullif({name}, '')::double precision"))}, {string.Join(", ", Texts.Select(name => $"nullif({name}, '')"))} from bare_staging where customer ~ '^[A-Za-z0-9._:-]+$' and {good};
            select count(*) from bare_customers;
            """;
    }

    internal static void Write(string path, int rows)
    {
        var random = new RandomStream(6, "ingest");
        string[] cities = ["Shanghai", "Hangzhou", "Chengdu", "Shenzhen", "Xi'an"];
        string[] devices = ["android", "ios", "web"];
        string[] channels = ["feed", "search", "push", "mail"];
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20);
        file.Write($"customer,{string.Join(',', Numbers)},{string.Join(',', Texts)}\n");
        for (var row = 0; row < rows; row++)
        {
            file.Write(string.Create(CultureInfo.InvariantCulture,
                $"C{row:D9},{18 + random.NextInt(60)},{random.NextDouble() * 90_000:F2},{random.NextInt(4000)},{random.NextInt(60)},{random.NextDouble() * 20_000:F2},{random.NextInt(300)},{random.NextInt(12)},{cities[random.NextInt(5)]},{devices[random.NextInt(3)]},{channels[random.NextInt(4)]},{2010 + random.NextInt(16)}-{1 + random.NextInt(12):D2}\n"));
        }
    }
}
