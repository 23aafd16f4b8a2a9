using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Promoting;

/// <summary>What a refresh did on rows of nobody's choice that neither version had learned from.</summary>
/// <param name="Stages">in funnel order, at least one</param>
/// <param name="Difference">the version's joint log loss less the champion's; null below two customers</param>
public sealed record RefreshEvidence(long Rows, int Customers, IReadOnlyList<JudgedStage> Stages, PairedBootstrap? Difference)
{
    /// <summary>What a reader of the judgement should know of these rows; null: nothing.</summary>
    public string? Remark { get; init; }

    public double ChampionLogLoss => Stages.Sum(stage => stage.ChampionLogLoss);

    public double VersionLogLoss => Stages.Sum(stage => stage.VersionLogLoss);

    public long LastPositives => Stages[^1].Positives;
}

/// <summary>One condition of the rule.</summary>
/// <param name="Holds">null where it was not looked at</param>
/// <param name="Sentence">what it says of this version, with its numbers</param>
public sealed record PromotionCondition(string Condition, bool? Holds, string Sentence);

/// <summary>What the rule says of a refresh.</summary>
/// <param name="Sentence">the decision and its reason</param>
/// <param name="Margin">largest accepted difference, in nats a row; null where nothing was compared</param>
/// <param name="Alpha">spent by looking; 0 where nothing was compared</param>
public sealed record PromotionDecision(
    bool Promotes, string Sentence, IReadOnlyList<PromotionCondition> Conditions, double? Margin = null, double? Difference = null,
    double? Lower = null, double? Upper = null, double? PValue = null, double Alpha = 0);

/// <summary>
/// Whether a refresh of a line takes its champion's place (design: "Training data and promotion"): its joint log loss is not
/// inferior, its calibration is right at each stage, enough positives back it. Non-inferiority, since a refresh keeps the model
/// fresh: demanding that it be better would keep an old model for ever. α is spent evenly over the nights: whatever the versions
/// and however the nights' rows overlap, the chance that any night of so many promotes a version worse by more than the margin is
/// at most the sum of what was spent (Bonferroni; each night judges another version, so no sharper bound holds for all).
/// </summary>
public sealed class PromotionRule(PromotingOptions options)
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    // What floating-point sums leave over is no share of a night.
    private double Leftover => options.AlphaOfNight / 1e6;

    /// <summary>Whether what a judgement spends is still there.</summary>
    /// <param name="spent">by the line's other judgements of the last nights</param>
    public bool Affords(double alpha, double spent) => alpha == 0 || spent + alpha <= options.Alpha + Leftover;

    /// <param name="version">1, 2, … of the line</param>
    /// <param name="champion">the champion's number</param>
    /// <param name="spent">α spent by the line's judgements of the last nights, before this one</param>
    public PromotionDecision Decide(int version, int champion, RefreshEvidence evidence, double spent)
    {
        var backing = Backing(evidence);
        var calibration = evidence.Stages.Select(Calibration).ToList();
        var alpha = Math.Min(options.AlphaOfNight, options.Alpha - spent);
        if (backing.Holds != true || alpha < Leftover)
        {
            var reason = backing.Holds != true ? backing.Sentence
                : string.Create(Plain, $"The {options.Alpha:0.###} of the last {options.Nights} nights are spent.");
            return new(false, $"Version {version} is kept back, version {champion} stays. {reason}",
                [backing, .. Remarks(evidence), .. calibration, new PromotionCondition("joint log loss", null, "The log loss was not compared.")]);
        }

        return Compared(version, champion, evidence, backing, calibration, alpha);
    }

    private PromotionDecision Compared(
        int version, int champion, RefreshEvidence evidence, PromotionCondition backing, List<PromotionCondition> calibration, double alpha)
    {
        var difference = evidence.Difference!;
        var margin = options.Margin * evidence.ChampionLogLoss;
        var p = difference.PValueBelow(margin);
        var (lower, upper) = difference.Interval(alpha);
        var loss = new PromotionCondition("joint log loss", p < alpha, string.Create(Plain,
            $"Joint log loss {evidence.VersionLogLoss:0.00000} against {evidence.ChampionLogLoss:0.00000}: {difference.Mean:+0.00000;−0.00000;0}, at most {upper:+0.00000;−0.00000;0} at α = {alpha:0.#####}, {(p < alpha ? "within" : "beyond")} the margin of {margin:0.00000}."));
        List<PromotionCondition> all = [backing, .. Remarks(evidence), .. calibration, loss];
        var broken = all.Where(condition => condition.Holds == false).ToList();
        var sentence = broken.Count == 0
            ? $"Version {version} replaces version {champion}. {loss.Sentence}"
            : $"Version {version} is kept back, version {champion} stays. {string.Join(" ", broken.Select(condition => condition.Sentence))}";
        return new(broken.Count == 0, sentence, all, margin, difference.Mean, lower, upper, p, alpha);
    }

    private static IEnumerable<PromotionCondition> Remarks(RefreshEvidence evidence) =>
        evidence.Remark is { } remark ? [new PromotionCondition("customers new to both", null, remark)] : [];

    private PromotionCondition Backing(RefreshEvidence evidence)
    {
        var (last, enough) = (evidence.Stages[^1], evidence.LastPositives >= options.MinimumPositives && evidence.Difference is not null);
        return new("positives of the last stage", enough, string.Create(Plain,
            $"{last.Positives:N0} {last.Name} in {evidence.Rows:N0} rows of {evidence.Customers:N0} customers whom no model chose, {(enough ? "at least" : "below")} the {options.MinimumPositives:N0} that a judgement needs."));
    }

    private PromotionCondition Calibration(JudgedStage stage)
    {
        var name = $"calibration of {stage.Name}";
        if (stage.Calibration is not { } ratio || stage.Positives < options.MinimumPositives)
        {
            return new(name, null, string.Create(Plain, $"The calibration of {stage.Name} is not judged: {stage.Positives:N0} positives of the {options.MinimumPositives:N0} needed."));
        }

        var holds = ratio >= options.CalibrationLowest && ratio <= options.CalibrationHighest;
        return new(name, holds, string.Create(Plain,
            $"{stage.Name} is predicted {ratio:0.000} times as often as it happened, {(holds ? "within" : "outside")} {options.CalibrationLowest:0.##} to {options.CalibrationHighest:0.##}."));
    }
}
