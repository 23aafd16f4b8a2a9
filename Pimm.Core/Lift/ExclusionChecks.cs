using System.Globalization;
using Pimm.Core.Outcomes;

namespace Pimm.Core.Lift;

/// <summary>Health checks of who was left out, and of what was stored against what was published.</summary>
internal static class ExclusionChecks
{
    /// <summary>From this share of the eligible on, those who are left are not the customers that the campaign was planned for.</summary>
    public const double MostLeftOut = 0.01;

    public static IEnumerable<LiftCheck> Of(LiftInput input, LiftTally tally)
    {
        if (LeftOut(input, tally) is { } leftOut)
            yield return leftOut;
        if (input.AlteredWaves.Count > 0)
            yield return Altered(input.AlteredWaves[0], input.AlteredWaves.Count);
    }

    private static LiftCheck? LeftOut(LiftInput input, LiftTally tally)
    {
        long leftOut = input.InBothArms.Control + input.InBothArms.Treatment;
        if (leftOut == 0)
            return null;
        double share = (double)leftOut / (leftOut + tally.Control.Eligible + tally.Treatment.Eligible);
        string sentence = Text($"{leftOut:N0} customers in both arms of two campaigns are left out, {100 * share:0.##} % of the eligible");
        return new LiftCheck("customers left out", null, share >= MostLeftOut, share >= MostLeftOut
            ? Text($"{sentence}: from {100 * MostLeftOut:0.#} % on the rest is not what was planned, give campaigns that overlap separate parts of a layer.") : $"{sentence}.");
    }

    private static LiftCheck Altered(AlteredWave first, int count) => new("plans changed", null, true, Text(
        $"The wave of {first.WaveDate:yyyy-MM-dd} was published with {first.Impressions:N0} impressions an arm; the stored plan of the {(first.Arm == 0 ? "control" : "treatment")} exports {first.Planned:N0} customers and its list {(first.Listed is { } rows ? Text($"has {rows:N0}") : "was not written")}{(count > 1 ? Text($" ({count} such lists)") : "")}: somebody altered them."));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
