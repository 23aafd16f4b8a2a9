using System.CommandLine;
using System.Globalization;
using System.Text;
using Pimm.Core;
using Pimm.Core.Auditing;

namespace Pimm.Jobs.CommandLine;

/// <summary>audit list, verify, export: who did what, and whether anybody has rewritten it.</summary>
public static class AuditCommand
{
    private static readonly Option<string?> From = new("--from") { Description = "its first day in UTC, as 2026-12-01" };
    private static readonly Option<string?> To = new("--to") { Description = "its last day in UTC, as 2026-12-31" };
    private static readonly Option<string?> Actor = new("--actor") { Description = "who: user:anna, key:PREFIX, run:17, cli:NAME, anonymous" };
    private static readonly Option<string?> Action = new("--action") { Description = "what: campaign.create, or campaign for all of them" };
    private static readonly Option<string?> Object = new("--object") { Description = "to what: campaign, or campaign:7" };

    public static Command Create() => new("audit", "who did what: list, export, and verify that nobody has rewritten it") { List(), Verify(), Export() };

    private static Command List()
    {
        var limit = new Option<int>("--limit") { Description = "how many, the newest first", DefaultValueFactory = _ => 50 };
        return new Command("list", "the newest entries") { From, To, Actor, Action, Object, limit, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var entries = await call.Service<AuditLog>().ListAsync(Filter(call), Math.Clamp(call.Arguments.GetValue(limit), 1, 10_000), cancellationToken);
            call.Print(new { Entries = entries }, lines =>
            {
                foreach (var entry in entries)
                    lines.WriteLine(Line(entry));
                if (entries.Count == 0)
                    lines.WriteLine("No entries.");
            });
            return ExitCode.Done;
        });
    }

    private static Command Verify()
    {
        var from = new Option<long>("--from") { Description = "the first row to look at; the one before it is believed", DefaultValueFactory = _ => 1 };
        var head = new Option<string?>("--head") { Description = "the file that the ends of the log were noted in (default: Auditing:HeadFile)" };
        return new Command("verify", "computes every hash anew and compares the chain with what was noted outside the database") { from, head, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            if (call.Arguments.GetValue(from) < 1)
                throw new InputException($"--from is {call.Arguments.GetValue(from)}: rows are numbered from 1.");
            var verdict = await call.Service<AuditVerifier>().VerifyAsync(call.Arguments.GetValue(from), call.Arguments.GetValue(head), cancellationToken);
            if (verdict is { Entries: 0, Break: null } && call.Arguments.GetValue(from) is > 1 and var first)
                throw new InputException(FormattableString.Invariant($"--from is {first}: the log has no such row yet; `pimm audit list --limit 1` shows the newest."));
            if (verdict.Break is { } sentence && !call.Json)
                throw new InvalidOperationException(sentence);
            call.Print(verdict, lines => lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{verdict.Entries} entries, chain intact, head {(verdict.Head is { } end ? $"{end.Id} {end.Hash}" : "none")}")));
            return verdict.Break is null ? ExitCode.Done : ExitCode.Failed;
        });
    }

    private static Command Export()
    {
        var format = new Option<string>("--format") { Description = "csv for a person (formulas disarmed), ndjson to be verified elsewhere", DefaultValueFactory = _ => "ndjson" };
        var file = new Option<string?>("--out") { Description = "a file that does not exist yet (default: stdout)" };
        return new Command("export", "entries as a file, the oldest first; that it was taken is recorded") { From, To, Actor, Action, Object, format, file }.Does(async (call, cancellationToken) =>
        {
            var isCsv = call.Arguments.GetValue(format) switch
            {
                "csv" => true,
                "ndjson" => false,
                var other => throw new InputException($"--format is \"{other}\": choose csv or ndjson."),
            };
            var (path, filter) = (call.Arguments.GetValue(file), Filter(call));
            if (path is null)
            {
                await WriteAsync(call, filter, isCsv, call.Output, cancellationToken);
                return ExitCode.Done;
            }
            if (File.Exists(path))
                throw new InputException($"{path} exists already: name a file that does not.");
            OutputFile.RequireFolder(path);
            await using var output = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: isCsv));
            var written = await WriteAsync(call, filter, isCsv, output, cancellationToken);
            call.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{written} entries are in {path}."));
            return ExitCode.Done;
        });
    }

    /// <returns>how many</returns>
    private static async Task<long> WriteAsync(Invocation call, AuditFilter filter, bool isCsv, TextWriter output, CancellationToken cancellationToken)
    {
        var log = call.Service<AuditLog>();
        await log.AddAsync(new AuditEntry(AuditActor.CommandLine, "audit.export", "audit", "", After: new { Format = isCsv ? "csv" : "ndjson", filter }, From: Environment.MachineName), cancellationToken);
        var written = 0L;
        if (isCsv)
            await output.WriteLineAsync(AuditExport.CsvHeader);
        await foreach (var row in log.StreamAsync(filter, cancellationToken))
        {
            await output.WriteLineAsync(isCsv ? AuditExport.Csv(row) : AuditExport.Ndjson(row));
            written++;
        }
        return written;
    }

    private static AuditFilter Filter(Invocation call) => new(
        Day(From, call), Day(To, call)?.AddDays(1), call.Arguments.GetValue(Actor), call.Arguments.GetValue(Action), call.Arguments.GetValue(Object));

    private static DateTimeOffset? Day(Option<string?> option, Invocation call) => call.Arguments.GetValue(option) switch
    {
        null => null,
        var text when DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) => new DateTimeOffset(date.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero),
        var text => throw new InputException($"{option.Name} is \"{text}\": write the day as 2026-12-01."),
    };

    private static string Line(AuditEvent entry) => string.Create(CultureInfo.InvariantCulture,
        $"{entry.Id,6}  {entry.At:yyyy-MM-dd HH:mm:ss}  {AuditText.OneLine(entry.Actor),-20} {entry.Action,-20} {entry.ObjectKind} {AuditText.OneLine(entry.ObjectId)}{Change(entry)}");

    private static string Change(AuditEvent entry) => (entry.Before, entry.After) switch
    {
        (null, null) => "",
        (null, var after) => $"  {AuditText.OneLine(after)}",
        (var before, null) => $"  was {AuditText.OneLine(before)}",
        var (before, after) => $"  {AuditText.OneLine(before)} → {AuditText.OneLine(after)}",
    };
}
