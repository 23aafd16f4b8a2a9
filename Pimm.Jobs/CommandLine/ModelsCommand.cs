using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Model versions, which of them is its line's champion, why, and how to change that.</summary>
public static class ModelsCommand
{
    public static Command Create() =>
        new("models", "model versions of the lines: list, show, judge, promote, roll back") { List(), Show(), Judge(), Promote(), RollBack() };

    private static Command List()
    {
        var campaign = new Option<long?>("--campaign") { Description = "only the two lines of this campaign" };
        var line = new Option<long?>("--line") { Description = "only this line" };
        return new Command("list", "versions of every line, newest first; * marks the champion") { campaign, line, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var models = call.Service<ModelStore>();
            var lines = call.Arguments.GetValue(line) is { } one ? [await models.GetLineAsync(one, cancellationToken)] : await models.LinesAsync(cancellationToken);
            if (call.Arguments.GetValue(campaign) is { } id)
            {
                var owner = await call.Service<CampaignStore>().GetAsync(id, cancellationToken);
                lines = [.. lines.Where(l => l.Id == owner.ControlLineId || l.Id == owner.TreatmentLineId)];
            }

            var listed = new List<ListedLine>();
            foreach (var found in lines)
            {
                listed.Add(await ModelsDisplay.ReadAsync(call, found, cancellationToken));
            }

            call.Print(new { lines = listed.Select(ModelsDisplay.Document) }, text => listed.ForEach(found => ModelsDisplay.Write(found, text)));
            return ExitCode.Done;
        });
    }

    private static Command Show()
    {
        var id = new Argument<long>("version") { Description = "the version's number, as models list shows it" };
        return new Command("show", "a version's card: metrics, what it was trained on, how it was judged") { id, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var shown = await ModelsDisplay.VersionAsync(call, call.Arguments.GetValue(id), cancellationToken);
            call.Print(ModelsDisplay.Document(shown), text => ModelsDisplay.Write(shown, text));
            return ExitCode.Done;
        });
    }

    private static Command Judge()
    {
        var line = new Argument<long>("line") { Description = "the line's number, as models list shows it" };
        var version = new Option<long?>("--version") { Description = "the version to judge; by default the newest that was not judged" };
        return new Command("judge", "what the nightly schedule asks for: compare the newest version with the champion, promote it where the rule says so") { line, version, Invocation.JsonOption }
            .Does((call, cancellationToken) => StageRun.DoAsync(call, new JobRequest(
                PromoteVersion.JobKind, StageRun.NewKey($"promote/{call.Arguments.GetValue(line)}"),
                new PromoteRequest(call.Arguments.GetValue(line), call.Arguments.GetValue(version))), cancellationToken));
    }

    private static Command Promote()
    {
        var id = new Argument<long>("version") { Description = "the version's number, as models list shows it" };
        return new Command("promote", "makes a version its line's champion, whatever its judgement") { id, Reason, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var changed = await call.Service<ChampionChange>().PromoteAsync(call.Arguments.GetValue(id), Environment.UserName, ReasonOf(call), cancellationToken);
            call.Print(Document(changed), lines => lines.WriteLine($"Version {changed.Champion.Version} is the champion of line {changed.Line.Id} \"{changed.Line.Name}\"{(changed.Before is { } before ? $", version {before} was" : "")}."));
            return ExitCode.Done;
        });
    }

    private static Command RollBack()
    {
        var line = new Argument<long>("line") { Description = "the line's number, as models list shows it" };
        return new Command("rollback", "back to the champion before, again: one further back") { line, Reason, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var changed = await call.Service<ChampionChange>().RollBackAsync(call.Arguments.GetValue(line), Environment.UserName, ReasonOf(call), cancellationToken);
            call.Print(Document(changed), lines => lines.WriteLine(
                $"Line {changed.Line.Id} \"{changed.Line.Name}\" is back at version {changed.Champion.Version}; version {changed.Before} is not promoted again by night."));
            return ExitCode.Done;
        });
    }

    private static readonly Option<string> Reason = new("--reason") { Description = "why; kept with the promotion", Required = true };

    private static string ReasonOf(Invocation call) => call.Arguments.GetValue(Reason) is { } reason && !string.IsNullOrWhiteSpace(reason)
        ? reason
        : throw new InputException("The reason is empty: say why with --reason, it is kept with the promotion.");

    private static object Document(ChangedChampion changed) => new
    {
        modelLineId = changed.Line.Id, champion = changed.Champion.Id, version = changed.Champion.Version, versionBefore = changed.Before,
    };
}
