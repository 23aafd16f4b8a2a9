using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>What a retraining is looked at by.</summary>
/// <param name="Reference">the last training's newest rows</param>
/// <param name="New">rows since then</param>
/// <param name="KnownBefore">rows of before, read again by the last version's map: what share it did not know even then</param>
/// <param name="Newest">newest usable impression; null without any</param>
/// <param name="SameRows">the last version was trained on these very rows with this very seed</param>
public sealed record TrainingEvidence(
    int LastVersion, DateTimeOffset Before, TrainingFigures Reference, TrainingFigures New, TrainingFigures KnownBefore, DateTimeOffset? Newest, bool SameRows,
    IReadOnlyList<string> Stages, IReadOnlySet<string> Used);

/// <param name="Stop">the reason not to train; null: train</param>
/// <param name="Accepted">what would have stopped it, had nobody accepted the change</param>
public sealed record TrainingVerdict(string? Stop, IReadOnlyList<string> Warnings, IReadOnlyList<string> Accepted);

/// <summary>Whether a line is trained again on what has come since its last version.</summary>
public sealed class TrainingRule(TrainingCheckOptions options)
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    /// <param name="acceptChange">label rates and attributes are as a person knows them to be: what is new is what comes</param>
    public TrainingVerdict Decide(TrainingEvidence evidence, bool acceptChange = false)
    {
        var (rows, changes) = (Rows(evidence).ToList(), Labels(evidence).Concat(Attributes(evidence)).ToList());
        var stop = rows.Find(finding => finding.Stops).Sentence;
        stop ??= acceptChange || changes.Find(finding => finding.Stops).Sentence is not { } change ? null
            : $"{change} If it is meant to stay, accept it: `pimm train --campaign N --accept-change`.";
        return new(stop, [.. rows.Concat(changes).Where(finding => !finding.Stops).Select(finding => finding.Sentence)],
            acceptChange ? [.. changes.Where(finding => finding.Stops).Select(finding => finding.Sentence)] : []);
    }

    private IEnumerable<(bool Stops, string Sentence)> Rows(TrainingEvidence evidence)
    {
        if (evidence.SameRows)
        {
            yield return (true, $"There is no new impression since version {evidence.LastVersion}, and training again would give the same model: import history or outcomes first, or give another seed.");
        }
        else if (evidence.New.Rows == 0)
        {
            yield return (false, $"There is no impression whose window closed since version {evidence.LastVersion}.");
        }
        else if (evidence.New.RowsADay < options.RowsWarning * evidence.Reference.RowsADay)
        {
            yield return (false, string.Create(Plain, $"{evidence.New.RowsADay:N0} impressions a day since version {evidence.LastVersion}, {evidence.Reference.RowsADay:N0} before."));
        }

        if (evidence.Newest is { } newest && (evidence.Before - newest).TotalDays is var days && days > options.AgeWarningDays)
        {
            yield return (days > options.OldestDays, string.Create(Plain,
                $"The newest usable impression is of {newest:yyyy-MM-dd}, {days:N0} days before the newest closed window ({(days > options.OldestDays ? options.OldestDays : options.AgeWarningDays):N0} are the bound): import what has come since."));
        }
    }

    private IEnumerable<(bool Stops, string Sentence)> Labels(TrainingEvidence evidence)
    {
        var confidence = 1 - (options.LabelAlpha / (2 * evidence.Stages.Count));
        foreach (var (before, now) in evidence.Reference.Labels.Zip(evidence.New.Labels))
        {
            for (var stage = 0; stage < evidence.Stages.Count; stage++)
            {
                if (before.Rows == 0 || now.Rows == 0 || before.Positives[stage] == 0
                    || Change(new Proportion(before.Rows, before.Positives[stage]), new Proportion(now.Rows, now.Positives[stage]), confidence) is not { } stops)
                {
                    continue;
                }

                yield return (stops, string.Create(Plain,
                    $"The rate of {evidence.Stages[stage]} of {(now.Targeted ? "chosen" : "explored")} impressions is {Share(now, stage)} since version {evidence.LastVersion} and was {Share(before, stage)}: {(stops ? "by more than a factor of " + options.LabelFactor.ToString("0.##", Plain) + ", chance left out: look whether outcomes are missing, then train again" : "more than chance explains")}."));
            }
        }
    }

    /// <returns>null: no change to speak of; true: surely by more than the factor</returns>
    private bool? Change(Proportion before, Proportion now, double confidence)
    {
        var lift = ProportionComparison.RelativeLift(before, now, confidence);
        if (lift.Lower > options.LabelFactor - 1 || lift.Upper < (1 / options.LabelFactor) - 1)
        {
            return true;
        }

        var ratio = (double)now.Conversions / now.N / ((double)before.Conversions / before.N);
        return lift.Excludes(0) == true && (ratio > options.LabelWarning || ratio < 1 / options.LabelWarning) ? false : null;
    }

    private IEnumerable<(bool Stops, string Sentence)> Attributes(TrainingEvidence evidence)
    {
        if (evidence.New.Rows < options.FewestRows)
        {
            yield break;
        }

        var before = evidence.Reference.Attributes.ToDictionary(attribute => attribute.Name, StringComparer.Ordinal);
        var known = evidence.KnownBefore.Attributes.ToDictionary(attribute => attribute.Name, StringComparer.Ordinal);
        foreach (var now in evidence.New.Attributes.Where(attribute => evidence.Used.Contains(attribute.Name)))
        {
            var missing = before.TryGetValue(now.Name, out var earlier) ? earlier.Missing : 0;
            var unseen = known.TryGetValue(now.Name, out var then) ? then.Unseen ?? 0 : 0;
            if (Rise("has no value", now.Name, missing, now.Missing, evidence.LastVersion) is { } gone)
            {
                yield return gone;
            }

            if (evidence.KnownBefore.Rows > 0 && now.Unseen is { } share
                && Rise($"has a value that version {evidence.LastVersion} does not know", now.Name, unseen, share, evidence.LastVersion) is { } strange)
            {
                yield return strange;
            }
        }
    }

    private (bool, string)? Rise(string what, string attribute, double before, double now, int version)
    {
        var stops = now >= options.GoneShare && before < options.GoneShare - options.MissingWarning;
        return stops || now - before > options.MissingWarning
            ? (stops, string.Create(Plain, $"The attribute '{attribute}' {what} in {100 * now:0.#} % of the impressions since version {version} and in {100 * before:0.#} % before{(stops ? ": mend the import and train again" : "")}."))
            : null;
    }

    private static string Share(LabelFigures figures, int stage) =>
        string.Create(Plain, $"{100.0 * figures.Positives[stage] / figures.Rows:0.###} % ({figures.Positives[stage]:N0} of {figures.Rows:N0})");
}
