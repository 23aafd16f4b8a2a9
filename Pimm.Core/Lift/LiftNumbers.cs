using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>The words of a number; the page says them in the reader's language.</summary>
public sealed record LiftNumberWords(string Name, string Shows, string CannotShow, string Unit);

/// <summary>The labelled numbers of the report, in the order of design/campaign.md, step 7, and what each can and cannot show.</summary>
public static class LiftNumbers
{
    private const string PerThousand = "per 1,000 impressions";
    private const string Relative = "relative";

    /// <summary>What each number is called, what it shows and what it cannot show, by its key.</summary>
    public static IReadOnlyDictionary<string, LiftNumberWords> Words { get; } = new Dictionary<string, LiftNumberWords>
    {
        [LiftKeys.Extra] = new(
            "Extra core conversions per 1,000 impressions",
            "What the treatment model is worth: conversions by any route of all eligible customers, by the arm they were assigned to.",
            "It cannot say which customers made the difference; customers treated alike in both arms only add noise.",
            PerThousand),
        [LiftKeys.Disagreement] = new(
            "The same from the disagreement set",
            "The same question, counting only customers whom the two policies treat differently, from the wave in which they first do.",
            "It needs frozen models and the shadow plans; without these it is not available.",
            PerThousand),
        [LiftKeys.IncrementControl] = new(
            "Increment of the control's impressions",
            "Core conversions that the control's impressions brought: exported against held back of the same waves.",
            "It is the level of one arm, not a comparison; exploration is not in it.",
            PerThousand),
        [LiftKeys.IncrementTreatment] = new(
            "Increment of the treatment's impressions",
            "Core conversions that the treatment's impressions brought: exported against held back of the same waves.",
            "It is the level of one arm, not a comparison; exploration is not in it.",
            PerThousand),
        [LiftKeys.IncrementRatio] = new(
            "Treatment's increment over control's",
            "How many times as much an impression brings under the treatment model.",
            "It is unbounded where the control's increment cannot be told from zero.",
            "ratio"),
        [LiftKeys.EligibleLift] = new(
            "Eligible lift",
            "How much more often the treatment's eligible customers converted, by any route.",
            "It is diluted by everybody who was not reached, so it is small by nature.",
            Relative),
        [LiftKeys.DeliveredLift] = new(
            "Delivered lift",
            "How much more often exported customers of the treatment converted than those of the control: the number the PIMM paper reports.",
            "It cannot tell an ad that works from customers who convert anyway: it can be large without any effect, or have the wrong sign. It is never adjusted.",
            Relative),
        [LiftKeys.Amount] = new(
            "Extra amount per 1,000 impressions",
            "What the treatment model is worth in the unit of the amounts: the sum over each eligible customer's outcomes, by the arm they were assigned to.",
            "A few large amounts can decide it; its interval is wide for that reason.",
            "amount per 1,000 impressions"),
        [LiftKeys.AmountLift] = new(
            "Amount, relative",
            "How much more the treatment's eligible customers brought than the control's.",
            "It is diluted by everybody who was not reached, and not defined where the control brought nothing.",
            Relative),
    };

    /// <param name="eligible">the eligible lift's always-valid bounds</param>
    internal static IReadOnlyList<LiftNumber> Of(LiftEstimates estimates, LiftAlwaysValid? eligible) =>
    [
        Number(LiftKeys.Extra, estimates.Extra) with { AlwaysValid = estimates.ExtraAlwaysValid, Conversions = estimates.ExtraConversions },
        Number(LiftKeys.Disagreement, estimates.Disagreement) with { AlwaysValid = estimates.DisagreementAlwaysValid, Conversions = estimates.DisagreementConversions },
        Number(LiftKeys.IncrementControl, estimates.IncrementControl),
        Number(LiftKeys.IncrementTreatment, estimates.IncrementTreatment),
        Number(LiftKeys.IncrementRatio, (estimates.IncrementRatio, null)),
        Number(LiftKeys.EligibleLift, estimates.EligibleLift) with { AlwaysValid = eligible },
        Number(LiftKeys.DeliveredLift, (estimates.DeliveredLift, null)),
    ];

    /// <summary>The amounts' numbers: per 1,000 impressions, and relative.</summary>
    internal static IReadOnlyList<LiftNumber> OfAmount((Estimate, Estimate?) extra, (Estimate, Estimate?) lift) =>
    [
        Number(LiftKeys.Amount, extra),
        Number(LiftKeys.AmountLift, lift),
    ];

    private static LiftNumber Number(string key, (Estimate Plain, Estimate? Adjusted) estimate)
    {
        (Estimate plain, Estimate? adjusted) = estimate;
        var (name, shows, cannotShow, unit) = Words[key];
        return new LiftNumber(key, name, shows, cannotShow, plain.Value, plain.StandardError, plain.Lower, plain.Upper, plain.Method, unit, plain.Note,
            adjusted?.Value is null || plain.Value is null ? null : Adjustment(plain, adjusted));
    }

    private static LiftAdjustment Adjustment(Estimate plain, Estimate adjusted)
    {
        string changed = string.Create(CultureInfo.InvariantCulture, $"Both models' scores as covariates moved the estimate by {adjusted.Value - plain.Value:+0.####;-0.####;0}");
        changed += plain.StandardError > 0 && adjusted.StandardError is { } error
            ? string.Create(CultureInfo.InvariantCulture, $" and changed its standard error by {100 * (error / plain.StandardError.Value - 1):+0.#;-0.#;0} %.")
            : ".";
        return new LiftAdjustment(adjusted.Value, adjusted.StandardError, adjusted.Lower, adjusted.Upper, adjusted.Method, changed);
    }
}
