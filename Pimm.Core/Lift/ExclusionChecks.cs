using Pimm.Core.Outcomes;
using static Pimm.Core.Lift.LiftSentences;

namespace Pimm.Core.Lift;

/// <summary>Health checks of what was stored against what was published.</summary>
internal static class ExclusionChecks
{
    public static IEnumerable<LiftCheck> Of(LiftInput input)
    {
        if (input.AlteredWaves.Count > 0)
            yield return Altered(input.AlteredWaves[0], input.AlteredWaves.Count);
    }

    private static LiftCheck Altered(AlteredWave first, int count) => new("plans changed", null, true, Say(
        count > 1 ? AlteredLists : LiftSentences.Altered, first.WaveDate, first.Impressions, first.Arm == 0 ? Control : Treatment, first.Planned,
        first.Listed is { } rows ? Say(Listed, rows) : NotListed, count));
}
