using Pimm.Core.Lift;

namespace Pimm.Web.Lift;

/// <summary>Which entry of the glossary explains a number of the report.</summary>
public static class LiftTerms
{
    public static string Of(string key) => key switch
    {
        LiftKeys.Extra => "extra-core-conversions",
        LiftKeys.Disagreement => "disagreement-set",
        LiftKeys.IncrementControl or LiftKeys.IncrementTreatment => "increment",
        LiftKeys.IncrementRatio => "ratio-of-increments",
        LiftKeys.EligibleLift => "eligible-lift",
        LiftKeys.DeliveredLift => "delivered-lift",
        LiftKeys.Amount or LiftKeys.AmountLift => "amount",
        _ => "core-conversion",
    };
}
