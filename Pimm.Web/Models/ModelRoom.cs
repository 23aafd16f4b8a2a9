using System.Text.Json;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Web.Campaigns;

namespace Pimm.Web.Models;

/// <param name="Training">the line's newest training; null: none was asked for</param>
/// <param name="Recent">the newest versions, the newest first, for the curve</param>
/// <param name="RollsBackTo">the champion before, which a roll-back brings again; null: there was none</param>
public sealed record LineView(
    LineSummary Line, IReadOnlyList<VersionSummary> Versions, IReadOnlyList<VersionSummary> Recent, IReadOnlyList<LedgerEntry> Ledger, StageRun? Training, Promotion? RollsBackTo);

/// <param name="Chosen">the line whose versions are shown; null: there is no line</param>
public sealed record ModelsView(IReadOnlyList<LineSummary> Lines, long Total, LineView? Chosen);

/// <param name="Model">null: the version learns nothing</param>
/// <param name="FeatureMap">JSON; null: the version learns nothing</param>
/// <param name="ChampionThen">that it was judged against; null: not judged</param>
public sealed record VersionView(
    LineSummary Line, ModelVersion Version, VersionSummary Summary, ModelDescription? Model, string? FeatureMap, IReadOnlyList<LedgerEntry> Ledger,
    PromotionJudgement? Judgement, int? ChampionThen, IReadOnlyList<ScoredCampaign> Campaigns, IReadOnlyList<LineageFile> Files);

/// <summary>Reads what the pages on models show.</summary>
public sealed class ModelRoom(LineHistoryStore history, ModelStore models, PromotionStore promotions, JobQueue queue)
{
    public const int LinesAPage = 6;
    public const int VersionsAPage = 20;
    public const int OnTheCurve = 60;

    private const int RunsLookedThrough = 200;

    /// <param name="line">the chosen one; null: the first that is shown</param>
    public async Task<ModelsView> ReadAsync(string search, int page, long? line, int versionsPage)
    {
        var lines = await history.LinesAsync(search, (page - 1) * LinesAPage, LinesAPage);
        var chosen = line is { } id ? lines.FirstOrDefault(one => one.Id == id) ?? await history.FindLineAsync(id) : lines.FirstOrDefault();
        return new ModelsView(lines, await history.CountLinesAsync(search), chosen is null ? null : await LineAsync(chosen, versionsPage));
    }

    /// <summary>The same view with the new progress and log of the training that is shown; null when more than progress has changed.</summary>
    public async Task<ModelsView?> ProgressAsync(ModelsView view, JobRun changed) =>
        view.Chosen is { Training: { } shown } chosen && shown.Run.Id == changed.Id && shown.Run.State == changed.State
            ? view with { Chosen = chosen with { Training = new StageRun(changed, await queue.ListLogAsync(changed.Id)) } }
            : null;

    /// <summary>Whether news of a run may change what is shown. While one goes on for a line that is not the chosen one, nothing does: each of
    /// its steps would be read by every open page.</summary>
    public static bool Concerns(LineView? chosen, JobRun run) =>
        LineOf(run) is { } line && (line == chosen?.Line.Id || run.Progress is null || run.IsFinished);

    /// <returns>null: there is no such version</returns>
    public async Task<VersionView?> VersionAsync(long id)
    {
        if (await history.FindVersionAsync(id) is not { } summary)
        {
            return null;
        }

        var version = await models.GetVersionAsync(id);
        var line = (await history.FindLineAsync(version.ModelLineId))!;
        var judgement = await promotions.JudgementOfAsync(id);
        var map = await models.FeatureMapAsync(id);
        return new VersionView(
            line, version, summary, map is null ? null : ModelDescription.FromJson(version.Description), map,
            [.. (await history.LedgerAsync(line.Id, 500)).Where(entry => entry.ModelVersionId == id || entry.RolledBackVersion == version.Version)],
            judgement, judgement is null ? null : (await models.GetVersionAsync(judgement.ChampionVersionId)).Version,
            await history.CampaignsAsync(id), await history.FilesAsync(line.AudienceId, version.TrainedAt));
    }

    private async Task<LineView> LineAsync(LineSummary line, int page)
    {
        var recent = await history.VersionsAsync(line.Id, 0, OnTheCurve);
        var shown = page == 1 ? [.. recent.Take(VersionsAPage)] : await history.VersionsAsync(line.Id, (page - 1) * VersionsAPage, VersionsAPage);
        return new LineView(line, shown, recent, await history.LedgerAsync(line.Id), await TrainingAsync(line.Id), (await promotions.LedgerAsync(line.Id)).Before);
    }

    private async Task<StageRun?> TrainingAsync(long line)
    {
        var run = (await queue.ListAsync(kind: TrainModelLine.JobKind, limit: RunsLookedThrough)).FirstOrDefault(run => LineOf(run) == line);
        return run is null ? null : new StageRun(run, await queue.ListLogAsync(run.Id));
    }

    /// <summary>Null: not a training, or arguments of another kind.</summary>
    public static long? LineOf(JobRun run)
    {
        if (run.Kind is not (TrainModelLine.JobKind or PromoteVersion.JobKind))
        {
            return null;
        }

        using var arguments = JsonDocument.Parse(run.Arguments);
        return arguments.RootElement.TryGetProperty("modelLineId", out var line) && line.TryGetInt64(out var id) ? id : null;
    }
}
