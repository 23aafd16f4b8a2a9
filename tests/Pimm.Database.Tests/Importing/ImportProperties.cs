using System.Globalization;
using System.Text;
using Dapper;
using FsCheck;
using FsCheck.Fluent;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>What a generated row is.</summary>
public enum GeneratedRow { Good, BadNumber, BadKey, Duplicate, TooFewFields, OpenQuote, InvalidUtf8 }

/// <summary>Invariants over generated files, each through a worker that is broken at a chosen chunk. PIMM_PROPERTY_RUNS tries more.</summary>
public sealed class ImportProperties(ChunkedWorld world) : IClassFixture<ChunkedWorld>
{
    private const ulong Seed = 20260101;

    private static readonly Gen<(GeneratedRow[] Rows, int KilledAt, string Point)> Files =
        from count in Gen.Choose(1, 45)
        from rows in Gen.ArrayOf(Gen.Frequency((6, Gen.Constant(GeneratedRow.Good)), (4, Gen.Elements(Enum.GetValues<GeneratedRow>()))), count)
        from killedAt in Gen.Choose(1, 6)
        from point in Gen.Elements("import.chunk-copied", "import.chunk-done", "import.finishing")
        select (rows, killedAt, point);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static int Runs => int.TryParse(Environment.GetEnvironmentVariable("PIMM_PROPERTY_RUNS"), out var runs) ? runs : 12;

    [Theory]
    [InlineData("customers")]
    [InlineData("history")]
    public async Task Rows_add_up_twice_is_once_and_a_kill_at_any_chunk_loses_and_doubles_none(string kind)
    {
        var (number, deaths) = (0, 0);
        foreach (var (rows, killedAt, point) in Files.Sample(50, new Rnd(Seed), Runs))
        {
            var audiences = world.Pimm.Service<AudienceStore>();
            var name = $"{kind} {number++}";
            var audience = await audiences.GetAsync(await audiences.CreateAsync(name, "key", [new("age", "number"), new("channel", "text")], ["click", "buy"], cancellationToken: Cancel), Cancel);
            var (content, good) = Content(kind, rows);
            var path = Path.Combine(world.Pimm.Folder, $"{name}.csv");
            await File.WriteAllBytesAsync(path, content, Cancel);
            var because = $"{kind}, {string.Join(' ', rows)}, killed at {point} {killedAt}";
            var reached = 0;
            await using var worker = await FaultyWorker.StartAsync(world.Pimm, ["import"], (run, at) =>
            {
                if (at == point && ++reached == killedAt)
                {
                    deaths++;
                    LoseLease(run.RunId);
                }
            });

            var first = await ImportAsync(audience, kind, path, $"{name} first");
            var again = await ImportAsync(audience, kind, path, $"{name} again");

            first.State.ShouldBe(JobStates.Succeeded, $"{because}: {first.Error}");
            again.Result!.ShouldContain("\"alreadyImportedAt\": \"20", customMessage: because);
            var file = (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).ShouldHaveSingleItem(because);
            file.Received.ShouldBe(file.Created + file.Updated + file.Skipped + file.Quarantined, because);
            (file.Received, file.Created, file.Quarantined).ShouldBe((rows.Length, good.Count, rows.Length - good.Count), because);
            (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).Count.ShouldBe(rows.Length - good.Count, because);
            (await NumbersAsync(audience, kind)).ShouldBe(good, because);
        }
        deaths.ShouldBeGreaterThan(Runs / 4);
    }

    /// <summary>The file, and the numbers of its good rows.</summary>
    private static (byte[] Content, List<double> Good) Content(string kind, GeneratedRow[] rows)
    {
        using var content = new MemoryStream();
        var good = new List<double>();
        var (between, before) = kind == "customers" ? ("", "") : ("2026-01-05T10:00:00Z,0,0,", "impression_at,click,buy,");
        content.Write(Encoding.UTF8.GetBytes($"key,{before}age,channel\n"));
        for (var row = 0; row < rows.Length; row++)
        {
            var what = rows[row];
            // The first good row is there to be doubled; of history a customer may have many.
            var isGood = what == GeneratedRow.Good || what == GeneratedRow.Duplicate && (kind == "history" || good.Count == 0);
            var key = what switch { GeneratedRow.BadKey => "a b", GeneratedRow.Duplicate when good.Count > 0 => $"c{(int)good[0]}", _ => $"c{row}" };
            var line = what switch
            {
                GeneratedRow.BadNumber => $"{key},{between}many,web",
                GeneratedRow.TooFewFields => $"{key},{between}{row}",
                GeneratedRow.OpenQuote => $"{key},{between}{row},\"web",
                GeneratedRow.InvalidUtf8 => $"{key},{between}{row},\u0001",
                _ => $"{key},{between}{row},web",
            };
            content.Write([.. Encoding.UTF8.GetBytes(line).Select(letter => letter == 1 ? (byte)0xFF : letter), (byte)'\n']);
            if (isGood)
            {
                good.Add(row);
            }
        }
        return (content.ToArray(), good);
    }

    private async Task<JobRun> ImportAsync(Audience audience, string kind, string path, string key)
    {
        var queue = world.Pimm.Service<JobQueue>();
        var id = await queue.EnqueueAsync(new JobRequest(ImportFile.JobKind, key, new ImportRequest(audience.Id, kind, path, AcceptBadShare: 1), MaxAttempts: 5), Cancel);
        return await queue.WaitAsync(id, Cancel);
    }

    private async Task<List<double>> NumbersAsync(Audience audience, string kind)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<double>($"select age from {(kind == "customers" ? audience.CustomersTable : audience.HistoryTable)} order by age")];
    }

    private void LoseLease(long run)
    {
        using var connection = world.Pimm.Database.DataSource.OpenConnection();
        connection.Execute("update job_run set fence = fence + 1, lease_until = clock_timestamp() - interval '1 second' where id = @run", new { run });
    }
}
