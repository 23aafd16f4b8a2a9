using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

/// <summary>What is said of imported files, and what can be done with them afterwards.</summary>
internal static class ImportedFilesCommand
{
    private static readonly Argument<long> Id = new("id") { Description = "the import's number" };

    /// <summary>Runs an import and prints its counts, its first problems and the way to its bad rows.</summary>
    public static async Task<int> TellAsync(Invocation call, JobRequest request, string path, CancellationToken cancellationToken)
    {
        var run = await StageRun.RunAsync(call, request, cancellationToken);
        var result = JsonSerializer.Deserialize<ImportResult>(run.Result!, JobRequest.Json)!;
        call.Print(new { run = run.Id, run.Kind, run.State, result = JsonNode.Parse(run.Result!) }, lines => Tell(lines, Path.GetFileName(path), run.Id, result));
        return ExitCode.Done;
    }

    /// <exception cref="InputException">the file cannot be imported as a whole</exception>
    public static async Task<int> TellCheckAsync(Invocation call, JobRequest request, CancellationToken cancellationToken)
    {
        var run = await StageRun.RunAsync(call, request, cancellationToken);
        var findings = JsonSerializer.Deserialize<DraftFindings>(run.Result!, JobRequest.Json)!;
        var check = findings.Check ?? throw new InputException(findings.Refusal!) { Code = findings.Code };
        call.Print(check, lines =>
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{check.Received:N0} rows: {check.Created:N0} would be created, {check.Updated:N0} updated, {check.Skipped:N0} skipped, {check.Quarantined:N0} put aside. Nothing was written."));
            foreach (var (code, count) in check.Codes)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,8:N0}  {code,-18} {ImportCode.Remedy(code)}"));
            }
        });
        return ExitCode.Done;
    }

    public static Command Detect()
    {
        var file = new Argument<string>("file") { Description = "delimited text, plain or gzip, UTF-8" };
        var kind = new Option<string>("--kind") { Description = "customers, history or outcomes", DefaultValueFactory = _ => "customers" };
        var audience = new Option<string?>("--audience") { Description = "its attributes and stages are recognised by name" };
        var map = new Option<string?>("--write-map") { Description = "writes the proposed mapping to this file, for --map" };
        return new Command("detect", "what a file looks like, and the mapping it is proposed to be imported with") { file, kind, audience, map, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var known = call.Arguments.GetValue(audience) is { } name ? await call.Service<AudienceStore>().FindByNameAsync(name, cancellationToken) : null;
            var limit = call.Service<IOptions<ImportingOptions>>().Value.Unpacking;
            var found = await call.Service<ImportDetector>().DetectAsync(
                new ImportSource(Path.GetFullPath(call.Arguments.GetValue(file)!)), call.Arguments.GetValue(kind)!, known?.Id, limit, cancellationToken);
            if (call.Arguments.GetValue(map) is { } to)
            {
                OutputFile.RequireFolder(to);
                await File.WriteAllTextAsync(to, JsonNode.Parse(found.Proposed.ToJson())!.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n", cancellationToken);
            }
            call.Print(found, lines => Describe(lines, found));
            return ExitCode.Done;
        });
    }

    public static Command List()
    {
        var audience = new Option<string>("--audience") { Description = "the audience's name", Required = true };
        return new Command("list", "imported files of an audience, the newest first") { audience, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var name = call.Arguments.GetValue(audience)!;
            var found = await call.Service<AudienceStore>().FindByNameAsync(name, cancellationToken) ?? throw new InputException($"There is no audience named \"{name}\".");
            var files = await call.Service<ImportStore>().FilesAsync(found.Id, cancellationToken);
            call.Print(files, lines =>
            {
                foreach (var f in files)
                {
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{f.Id,6}  {f.ImportedAt:yyyy-MM-dd HH:mm}  {f.Kind,-9}  {Sum(new ImportCounts(f.Received, f.Created, f.Updated, f.Skipped, f.Quarantined) { Warnings = f.Warnings })}  {f.FileName}{(f.UndoneAt is { } at ? $"  undone {at:yyyy-MM-dd} by {f.UndoneBy}" : "")}"));
                }
            });
            return ExitCode.Done;
        });
    }

    public static Command Problems()
    {
        var to = new Option<string?>("--out") { Description = "writes the bad rows, under their own header and with what is wrong behind them, to be mended and imported again" };
        return new Command("problems", "what was wrong in an imported file") { Id, to, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var id = call.Arguments.GetValue(Id);
            var file = await call.Service<ImportStore>().FindAsync(id, cancellationToken) ?? throw new InputException($"There is no finished import {id}.");
            if (call.Arguments.GetValue(to) is { } path)
            {
                OutputFile.RequireFolder(path);
                var (written, lost) = await call.Service<QuarantineStore>().WriteAsync(id, Path.GetFullPath(path), cancellationToken);
                await call.Service<AuditLog>().AddAsync(new AuditEntry(
                    AuditActor.CommandLine, "import.download", "import", id.ToString(CultureInfo.InvariantCulture), After: new { rows = written, notKept = lost }), cancellationToken);
                call.Print(new { id, path, written, notKept = lost }, lines => lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{written:N0} bad rows of {file.FileName} are in {path}{(lost > 0 ? $"; of {lost:N0} more the text was not kept" : "")}. Mend them, then import the file again with --replay-of {id}.")));
                return ExitCode.Done;
            }
            var problems = (await call.Service<ImportStore>().ProblemsAsync(id, 100, cancellationToken)).Select(ShownProblem.Of).ToList();
            call.Print(new { file, problems }, lines =>
            {
                lines.WriteLine($"{file.FileName}: {Sum(new ImportCounts(file.Received, file.Created, file.Updated, file.Skipped, file.Quarantined) { Warnings = file.Warnings })}");
                Show(lines, problems);
            });
            return ExitCode.Done;
        });
    }

    public static Command Undo()
    {
        var yes = new Option<bool>("--yes") { Description = "without asking" };
        return new Command("undo", "takes an import away again: its version, impressions or events") { Id, yes, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var id = call.Arguments.GetValue(Id);
            var file = await call.Service<ImportStore>().FindAsync(id, cancellationToken) ?? throw new InputException($"There is no finished import {id}.");
            if (!call.Arguments.GetValue(yes))
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture,
                    $"Import {id} brought {file.Created + file.Updated:N0} rows of {file.Kind} ({file.FileName}, {file.ImportedAt:yyyy-MM-dd HH:mm} UTC): say --yes to take them away."));
            }
            var undone = await call.Service<UndoImport>().RunAsync(id, AuditActor.CommandLine, cancellationToken);
            call.Print(undone, lines =>
            {
                lines.WriteLine($"Import {id} was undone: {string.Join(", ", undone.Removed.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:N0}")))}.");
                foreach (var sentence in undone.Sentences)
                {
                    lines.WriteLine(sentence);
                }
            });
            return ExitCode.Done;
        });
    }

    private static void Tell(TextWriter lines, string name, long run, ImportResult result)
    {
        if (result.AlreadyImportedAt is { } at)
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name} was imported before, in the same way, on {at:yyyy-MM-dd HH:mm} UTC{(result.AlreadyImportedBy is { } by ? $" by {by}" : "")}, as import {result.ImportFileId}: nothing was changed."));
            return;
        }
        lines.WriteLine($"{name}: {Sum(result.Counts!)}. Import {result.ImportFileId}, run {run}.");
        foreach (var note in result.Notes)
        {
            lines.WriteLine(note);
        }
        Show(lines, result.First);
        if (result.Counts!.Quarantined > 0)
        {
            lines.WriteLine($"The bad rows, to be mended: pimm import problems {result.ImportFileId} --out problems.csv");
        }
    }

    private static string Sum(ImportCounts counts) => string.Create(CultureInfo.InvariantCulture,
        $"{counts.Received:N0} rows = {counts.Created:N0} created + {counts.Updated:N0} updated + {counts.Skipped:N0} skipped + {counts.Quarantined:N0} quarantined{(counts.Warnings > 0 ? $", {counts.Warnings:N0} warnings" : "")}");

    private static void Show(TextWriter lines, IReadOnlyList<ShownProblem> problems)
    {
        foreach (var problem in problems)
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  line {problem.Line}{(problem.Column is null ? "" : $", {problem.Column}")}, {problem.Code}{(problem.Warning ? " (warning)" : "")}: {problem.Message}"));
        }
    }

    private static void Describe(TextWriter lines, Detection found)
    {
        lines.WriteLine($"{found.FileName}: {(found.Packed ? "gzip, " : "")}{found.Encoding}, split at {(found.Delimiter == '\t' ? "tab" : $"'{found.Delimiter}'")}, {found.Columns.Count} columns, {found.SampledRows:N0} rows looked at{(found.Template is { } template ? $"; mapping \"{template}\" was saved for this header" : "")}.");
        foreach (var column in found.Columns)
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {column.Name,-32} {column.Type,-7} {100 * column.MissingShare,5:0.0} % empty  {column.Role}"));
        }
        foreach (var question in found.Questions)
        {
            lines.WriteLine(question);
        }
    }
}
