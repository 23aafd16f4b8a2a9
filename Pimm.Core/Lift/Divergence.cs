using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Divergent delivery (Braun and Schwartz 2025): the two policies reach different customers, and delivered lift compares these.</summary>
internal static class Divergence
{
    private const string Consequence =
        "Delivered lift and the stages of the funnel compare these different people: they say whom each model picks, not what its impressions cause. Only numbers over all eligible customers do.";

    /// <summary>Null before anybody was exported.</summary>
    public static LiftDivergence? Of(LiftInput input)
    {
        long[] both = new long[2], exported = new long[2];
        Moments[] control = new Moments[2], treatment = new Moments[2];
        foreach (LiftCustomer customer in input.Customers)
        {
            int arm = (int)customer.Arm;
            bool own = IsExported(arm == 0 ? customer.ControlPlan : customer.TreatmentPlan);
            exported[arm] += own ? 1 : 0;
            both[arm] += own && IsExported(arm == 0 ? customer.TreatmentPlan : customer.ControlPlan) ? 1 : 0;
            if (!IsExported(customer.Actual))
                continue;
            control[arm] = control[arm].Plus(customer.ControlScore);
            treatment[arm] = treatment[arm].Plus(customer.TreatmentScore);
        }
        if (exported[0] + exported[1] == 0)
            return null;
        double? inControl = Share(both[0], exported[0]), inTreatment = Share(both[1], exported[1]);
        return new LiftDivergence(inControl, inTreatment, Standardised(control), Standardised(treatment), Sentence(inControl, inTreatment, Standardised(control), Standardised(treatment)));
    }

    private static bool IsExported(PlannedAction action) => action.Action is WaveAction.Exported or WaveAction.Explored;

    private static double? Share(long part, long whole) => whole == 0 ? null : (double)part / whole;

    private static double? Standardised(Moments[] arms) => arms[0].Variance is { } c && arms[1].Variance is { } t && c + t > 0
        ? (arms[1].Mean - arms[0].Mean) / Math.Sqrt((c + t) / 2) : null;

    private static string Sentence(double? inControl, double? inTreatment, double? control, double? treatment)
    {
        string overlap = string.Create(CultureInfo.InvariantCulture,
            $"Inside one arm both models would give {Percent(inControl)} (control) and {Percent(inTreatment)} (treatment) of the impressions to the same customers.");
        string scores = string.Create(CultureInfo.InvariantCulture,
            $"Exported customers of the treatment score {Signed(control)} standard deviations by the control's model and {Signed(treatment)} by the treatment's, against those of the control.");
        return $"{overlap} {scores} {Consequence}";

        static string Percent(double? share) => share is { } value ? (100 * value).ToString("0", CultureInfo.InvariantCulture) + " %" : "n/a";
        static string Signed(double? value) => value?.ToString("+0.00;−0.00;0.00", CultureInfo.InvariantCulture) ?? "n/a";
    }
}
