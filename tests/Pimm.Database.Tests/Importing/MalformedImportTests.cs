using System.Globalization;
using System.IO.Compression;
using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>An audience with customers, small limits, and a worker.</summary>
public sealed class MalformedWorld : IAsyncLifetime
{
    public PimmInstance Pimm { get; private set; } = null!;

    public Audience Audience { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Importing:MaximumUnpackedBytes"] = "200000000", ["Importing:Poll"] = "00:00:00.1" });
        var audiences = Pimm.Service<AudienceStore>();
        Audience = await audiences.GetAsync(await audiences.CreateAsync("people", "key", [new("age", "number"), new("channel", "text")], ["click", "buy"]));
        var path = Pimm.Write("known.csv", MalformedImportTests.Customers(""));
        (await Pimm.RunAsync(new JobRequest(ImportFile.JobKind, "known", new ImportRequest(Audience.Id, "customers", path)), default)).State.ShouldBe(JobStates.Succeeded);
    }

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}

/// <summary>The 26 kinds of malformed files, each through the whole import, with the code it gets.</summary>
public sealed class MalformedImportTests(MalformedWorld world) : IClassFixture<MalformedWorld>
{
    private const string Accepted = "accepted";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Forty good customers, then the given lines.</summary>
    public static string Customers(string more, string header = "key,age,channel") =>
        header + "\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"ok{i},{20 + i},web\n")) + more;

    private static string History(string more) =>
        "key,impression_at,click,buy,age,channel\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"ok{i},2026-01-05T10:00:{i:00}Z,{i % 2},0,{20 + i},web\n")) + more;

    private static string Outcomes(string more) =>
        "event_id,kind,customer,campaign,wave,stage,occurred_at,amount\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"e{i},outcome,ok{i},,,,2026-03-05T00:00:00Z,{i}\n")) + more;

    private static string At(string time) => History($"late,{time},1,0,30,web\n");

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    public static TheoryData<string, string, string> Kinds { get; } = new()
    {
        { "1 empty file", "customers", ImportCode.EmptyFile },
        { "2 header only", "customers", ImportCode.NoRows },
        { "3 missing required column", "customers", ImportCode.MissingColumn },
        { "3 missing key", "customers", ImportCode.MissingColumn },
        { "4 duplicate column", "customers", ImportCode.DuplicateColumn },
        { "5 reordered and extra columns", "customers", Accepted },
        { "6 UTF-8 byte-order mark", "customers", Accepted },
        { "7 UTF-16", "customers", ImportCode.WrongEncoding },
        { "8 invalid UTF-8 byte", "customers", ImportCode.InvalidUtf8 },
        { "9 NUL byte", "customers", ImportCode.NulByte },
        { "10 semicolons", "customers", Accepted },
        { "10 tabs", "customers", Accepted },
        { "10 an unknown separator", "customers", ImportCode.WrongDelimiter },
        { "11 unbalanced quote to the end", "customers", ImportCode.UnbalancedQuote },
        { "12 newline inside quotes", "customers", Accepted },
        { "13 CR-only line ends", "customers", ImportCode.LineEnds },
        { "14 too few fields", "customers", ImportCode.TooFewFields },
        { "14 too many fields", "customers", ImportCode.TooManyFields },
        { "15 number of another locale", "customers", ImportCode.BadNumber },
        { "16 NaN", "customers", ImportCode.BadNumber },
        { "16 Infinity", "customers", ImportCode.BadNumber },
        { "16 1e400", "customers", ImportCode.BadNumber },
        { "16 minus zero", "customers", Accepted },
        { "17 31 February", "history", ImportCode.BadTime },
        { "17 an ambiguous date", "history", ImportCode.AmbiguousDate },
        { "17 a date whose order was said", "history", Accepted },
        { "17 no zone", "history", ImportCode.BadTime },
        { "17 a zone that was said", "history", Accepted },
        { "17 inside the gap of daylight saving", "history", ImportCode.TimeInGap },
        { "18 key with leading zeros", "customers", Accepted },
        { "18 key in scientific notation", "customers", ImportCode.ScientificKey },
        { "19 field over 64 KB", "customers", ImportCode.FieldTooLong },
        { "19 line over 1 MB", "customers", ImportCode.LineTooLong },
        { "19 10,000 columns", "customers", ImportCode.TooManyColumns },
        { "20 formula in a text", "customers", Accepted },
        { "20 formula as a key", "customers", ImportCode.BadKey },
        { "21 gzip bomb", "customers", ImportCode.UnpackedTooLarge },
        { "21 zip renamed .csv", "customers", ImportCode.NotText },
        { "22 last line without its end", "customers", Accepted },
        { "23 duplicate rows", "customers", ImportCode.DuplicateKey },
        { "24 unknown customer", "outcomes", ImportCode.UnknownCustomer },
        { "24 unknown campaign", "outcomes", ImportCode.UnknownImpression },
        { "25 homoglyph in a key", "customers", ImportCode.BadKey },
        { "25 zero-width letter in a key", "customers", ImportCode.BadKey },
        { "25 an e-mail address as a key", "customers", ImportCode.BadKey },
    };

    private static byte[] FileOf(string kind) => kind switch
    {
        "1 empty file" => [],
        "2 header only" => Text("key,age,channel\n"),
        "3 missing required column" => Text(Customers("", "key,age,other")),
        "3 missing key" => Text(Customers("", "name,age,channel")),
        "4 duplicate column" => Text(Customers("", "key,age,age")),
        "5 reordered and extra columns" => Text("more,channel,age,key\nx,web,30,r1\nx,web,31,r2\n"),
        "6 UTF-8 byte-order mark" => [0xEF, 0xBB, 0xBF, .. Text(Customers("bom,1,web\n"))],
        "7 UTF-16" => [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(Customers(""))],
        "8 invalid UTF-8 byte" => [.. Text(Customers("bad,30,M")), 0xFC, .. Text("ller\n")],
        "9 NUL byte" => Text(Customers("bad,30,w\0b\n")),
        "10 semicolons" => Text(Customers("semi,1,web\n").Replace(',', ';')),
        "10 tabs" => Text(Customers("tab,1,web\n").Replace(',', '\t')),
        "10 an unknown separator" => Text(Customers("").Replace(',', '^')),
        "11 unbalanced quote to the end" => Text(Customers("bad,30,\"web\n")),
        "12 newline inside quotes" => Text(Customers("two,30,\"web\nand app\"\n")),
        "13 CR-only line ends" => Text(Customers("").Replace('\n', '\r')),
        "14 too few fields" => Text(Customers("bad,30\n")),
        "14 too many fields" => Text(Customers("bad,30,web,x\n")),
        "15 number of another locale" => Text(Customers("bad,\"1.234,56\",web\n")),
        "16 NaN" => Text(Customers("bad,NaN,web\n")),
        "16 Infinity" => Text(Customers("bad,Infinity,web\n")),
        "16 1e400" => Text(Customers("bad,1e400,web\n")),
        "16 minus zero" => Text(Customers("zero,-0,web\n")),
        "17 31 February" => Text(At("31/02/2026 10:00Z")),
        "17 an ambiguous date" => Text(At("03/04/05 10:00Z")),
        "17 a date whose order was said" => Text(At("04/05/06 10:00Z")),
        "17 no zone" => Text(At("2026-03-28T10:00:00")),
        "17 a zone that was said" => Text(At("2026-03-28T11:00:00")),
        "17 inside the gap of daylight saving" => Text(At("2026-03-29T02:30:00")),
        "18 key with leading zeros" => Text(Customers("00123,30,web\n")),
        "18 key in scientific notation" => Text(Customers("1.2E+11,30,web\n")),
        "19 field over 64 KB" => Text(Customers($"bad,30,{new string('x', 70_000)}\n")),
        "19 line over 1 MB" => Text(Customers($"bad,30,{new string('x', 1_100_000)}\n")),
        "19 10,000 columns" => Text(string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"c{i}")) + "\n1\n"),
        "20 formula in a text" => Text(Customers("formula,30,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n")),
        "20 formula as a key" => Text(Customers("=1+1,30,web\n")),
        "21 gzip bomb" => Bomb(),
        "21 zip renamed .csv" => [.. "PK\u0003\u0004"u8, .. new byte[100]],
        "22 last line without its end" => Text(Customers("last,30,web")),
        "23 duplicate rows" => Text(Customers("ok7,30,web\n")),
        "24 unknown customer" => Text(Outcomes("bad,outcome,nobody,,,,2026-03-05T00:00:00Z,1\n")),
        "24 unknown campaign" => Text(Outcomes("bad,delivered,ok1,999,2026-03-05,,2026-03-05T00:00:00Z,\n")),
        "25 homoglyph in a key" => Text(Customers("\u043Ek1,30,web\n")),
        "25 zero-width letter in a key" => Text(Customers("ok\u200B1,30,web\n")),
        "25 an e-mail address as a key" => Text(Customers("ada@example.com,30,web\n")),
        _ => throw new ArgumentException(kind),
    };

    private ImportMapping? MappingOf(string kind, string name) => name switch
    {
        "17 a date whose order was said" or "17 31 February" => Named(kind) with { DateOrder = "dmy" },
        "17 a zone that was said" or "17 inside the gap of daylight saving" => Named(kind) with { Zone = "Europe/Berlin" },
        _ => null,
    };

    private ImportMapping Named(string kind) => MappingByName.Of(world.Audience, kind, []);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_malformed_file_gets_its_code(string name, string kind, string expected)
    {
        var path = Path.Combine(world.Pimm.Folder, $"{name.Replace(' ', '-')}.csv");
        await File.WriteAllBytesAsync(path, FileOf(name), Cancel);
        object request = kind == "outcomes"
            ? new OutcomesRequest(world.Audience.Id, path, name)
            : new ImportRequest(world.Audience.Id, kind, path) { Mapping = MappingOf(kind, name) };

        var run = await world.Pimm.RunAsync(new JobRequest(kind == "outcomes" ? ImportOutcomes.JobKind : ImportFile.JobKind, name, request), Cancel);

        var imports = world.Pimm.Service<ImportStore>();
        if (run.State == JobStates.Failed)
        {
            (await imports.FindRefusalCodeAsync(run.Id, Cancel)).ShouldBe(expected, run.Error);
            run.Error!.ShouldNotContain("\n");
            return;
        }
        var file = (await imports.FilesAsync(world.Audience.Id, Cancel))[0];
        var codes = (await imports.CodesAsync(file.Id, Cancel)).Keys.ToList();
        codes.ShouldBe(expected == Accepted ? [] : [expected]);
        file.Quarantined.ShouldBe(expected == Accepted ? 0 : 1);
        file.Received.ShouldBe(file.Created + file.Updated + file.Skipped + file.Quarantined);
    }

    // 26 is twenty million rows. Two million of history stand for them: what is measured is that memory does not grow with the rows,
    // which a tenth of them shows as well and in minutes. Customers keep 28 bytes a key beside it, to find the second row of one.
    [Fact]
    [Trait("Category", "Long")]
    public async Task Twenty_million_rows_scaled_to_two_are_taken_in_flat_memory()
    {
        const int rows = 2_000_000;
        var path = Path.Combine(world.Pimm.Folder, "rows.csv.gz");
        await using (var file = new StreamWriter(new GZipStream(File.Create(path), CompressionLevel.Fastest)))
        {
            await file.WriteLineAsync("key,impression_at,click,buy,age,channel");
            for (var row = 0; row < rows; row++)
            {
                await file.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"c{row},2026-01-05T10:00:00Z,{row % 3 % 2},0,{row % 80},web"));
            }
        }
        var audiences = world.Pimm.Service<AudienceStore>();
        var audience = await audiences.CreateAsync("many", "key", [new("age", "number"), new("channel", "text")], ["click", "buy"], cancellationToken: Cancel);
        var (before, most) = (Settled(), 0L);
        using var watch = new Timer(_ => most = Math.Max(most, GC.GetTotalMemory(false)), null, 0, 100);

        var run = await world.Pimm.RunAsync(new JobRequest(ImportFile.JobKind, "many", new ImportRequest(audience, "history", path)), Cancel);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        run.Result!.ShouldContain($"\"received\": {rows}");
        (most - before).ShouldBeLessThan(100_000_000);
    }

    private static long Settled()
    {
        GC.Collect();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    /// <summary>300 MB of one letter in some hundred kilobytes.</summary>
    private static byte[] Bomb()
    {
        using var packed = new MemoryStream();
        using (var text = new GZipStream(packed, CompressionLevel.Optimal))
        {
            text.Write("key,age,channel\n"u8);
            var line = Text($"bomb,1,{new string('x', 60_000)}\n");
            for (var written = 0; written < 300_000_000; written += line.Length)
            {
                text.Write(line);
            }
        }
        return packed.ToArray();
    }
}
