using System.Globalization;
using Microsoft.Extensions.Localization;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Web.Campaigns;
using Pimm.Web.Shared;

namespace Pimm.Web.Models;

/// <param name="Values">by version</param>
public sealed record ComparedFact(string Name, IReadOnlyList<string> Values)
{
    public bool Differs => Values.Distinct().Count() > 1;
}

/// <param name="Snapshot">that all were tested on; null: they were tested on different rows</param>
/// <param name="Run">the newest that was asked this; null: none was</param>
/// <param name="Result">of that run; null: it has none yet</param>
/// <param name="Refusal">why they cannot be compared; null: they can</param>
public sealed record CompareView(
    IReadOnlyList<ComparableVersion> Versions, IReadOnlyList<ComparedFact> Facts, string? Snapshot, int Top, StageRun? Run, VersionComparison? Result, string? Refusal)
{
    public CompareRequest Request => new([.. Versions.Select(one => one.Version.Id)], Top);

    public static CompareView Refused(string why) => new([], [], null, 0, null, null, why);
}

/// <summary>Reads what the page on a comparison shows.</summary>
public sealed class CompareRoom(ModelStore models, AudienceStore audiences, JobQueue queue, IStringLocalizer<ModelsWords> words)
{
    private const int UsualShare = 10;
    private const int RunsLookedThrough = 200;

    /// <exception cref="InputException">a version is not there, or no number</exception>
    public async Task<CompareView> ReadAsync(IReadOnlyList<string> ids, int? top)
    {
        var chosen = new List<ComparableVersion>();
        foreach (var text in ids.Take(CompareRequest.MostVersions + 1))
        {
            var id = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new InputException($"\"{text}\" is no number of a version: choose versions on the page of the models.");
            var version = await models.GetVersionAsync(id);
            chosen.Add(new ComparableVersion(await models.GetLineAsync(version.ModelLineId), version));
        }

        if (ComparableVersion.Refusal(chosen) is { } refusal)
        {
            return CompareView.Refused(refusal);
        }

        var newest = await audiences.NewestVersionAsync(chosen[0].Line.AudienceId);
        var n = top is >= 1 and <= CompareRequest.MostTop ? top.Value : (int)Math.Clamp((newest?.Customers ?? 0) / UsualShare, 1, CompareRequest.MostTop);
        var view = new CompareView(chosen, Facts(chosen), ComparableVersion.CommonSnapshot(chosen), n, null, null, null);
        var run = (await queue.ListAsync(kind: CompareVersions.JobKind, limit: RunsLookedThrough)).FirstOrDefault(one => one.DedupeKey.StartsWith($"{view.Request.Key} after ", StringComparison.Ordinal));
        return run is null ? view : view with
        {
            Run = new StageRun(run, await queue.ListLogAsync(run.Id)), Result = run is { State: JobStates.Succeeded, Result: { } result } ? VersionComparison.FromJson(result) : null,
        };
    }

    private IReadOnlyList<ComparedFact> Facts(IReadOnlyList<ComparableVersion> chosen)
    {
        var models = chosen.Select(one => ModelDescription.FromJson(one.Version.Description)).ToList();
        ComparedFact Of(string name, Func<ComparableVersion, string> value) => new(name, [.. chosen.Select(value)]);
        var settings = models.SelectMany(model => VersionInside.Settings(model)).Select(one => one.Name).Distinct().Where(name => name is not (VersionInside.Seconds or VersionInside.Pace)).ToList();
        return
        [
            Of(words["Line"], one => one.Line.Name),
            Of(words["Network"], one => one.Version.Network),
            Of(words["Trained"], one => Figures.Moment(one.Version.TrainedAt)),
            Of(words["Learned from"], one => words["{0} impressions", Figures.Count(one.Version.TrainingRows)]),
            Of(words["Impressions until"], one => Figures.Moment(one.Version.NewestImpression!.Value)),
            Of(words["Seed"], one => $"{one.Version.Seed}"),
            new(words["Snapshot of rows"], [.. models.Select(model => model.Data?.SnapshotSha256 is { } hash ? $"{hash[..12]}…" : "–")]),
            new(words["Parameters"], [.. models.Select(model => Figures.Count(model.Parameters))]),
            new(words["Code"], [.. models.Select(model => MetricText.Code(model.Version))]),
            .. settings.Select(name => new ComparedFact(name, [.. models.Select(model => VersionInside.Settings(model).FirstOrDefault(one => one.Name == name).Value ?? "–")])),
        ];
    }
}
