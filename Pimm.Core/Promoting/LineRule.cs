using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Promoting;

/// <summary>What all nights together say of a challenger line against the incumbent.</summary>
/// <param name="Difference">joint log loss of the challenger less the incumbent's, in nats a row; null without rows</param>
/// <param name="Upper">bound on the difference that holds at every look at once; null before the first look</param>
/// <param name="Ready">the bound lies below 0: ready for a campaign</param>
public sealed record LineVerdict(double? Difference, double? Upper, bool Ready, string Sentence);

/// <summary>
/// Whether a challenger line predicts better than the incumbent. Each night's new rows are predicted by the champions of that
/// night, before any training has seen them, and count once, so that the summed differences less their expectations are a
/// martingale whatever is retrained in between (Choe and Ramdas 2024, "Comparing Sequential Forecasters"); the bound is a one-sided
/// normal-mixture confidence sequence (<see cref="NormalMixture"/>): looked at every night, for ever, an equally good line is
/// called better with chance α at most. It never switches anything: a new line is promoted by a campaign.
/// </summary>
public sealed class LineRule(PromotingOptions options)
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    public LineVerdict Judge(string challenger, string incumbent, DifferenceSums total)
    {
        if (total.Positives < options.MinimumPositives || total.Estimate() is not { StandardError: > 0 } estimate)
        {
            return new(total.Estimate()?.Mean, null, false, string.Create(Plain,
                $"{challenger} against {incumbent}: {total.Positives:N0} positives of the last stage in {total.Rows:N0} rows so far, {options.MinimumPositives:N0} are needed for a first look."));
        }

        var upper = estimate.Mean + (Boundary().Multiplier(total.Rows) * estimate.StandardError);
        var numbers = string.Create(Plain, $"the joint log loss differs by {estimate.Mean:+0.00000;−0.00000;0} a row, at most {upper:+0.00000;−0.00000;0} at every look, on {total.Rows:N0} rows");
        return new(estimate.Mean, upper, upper < 0, upper < 0
            ? $"{challenger} predicts better than {incumbent}: {numbers}. It is ready for a campaign, which alone can promote it."
            : $"{challenger} is not shown to predict better than {incumbent}: {numbers}.");
    }

    public NormalMixture Boundary() => new(options.PlannedRows, options.Alpha, oneSided: true);
}
