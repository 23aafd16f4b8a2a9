using Pimm.Core.Outcomes;
using static System.FormattableString;

namespace Pimm.Core.Lift;

/// <summary>Health checks of what was stored against what was published.</summary>
internal static class ExclusionChecks
{
    public static IEnumerable<LiftCheck> Of(LiftInput input)
    {
        if (input.AlteredWaves.Count > 0)
            yield return Altered(input.AlteredWaves[0], input.AlteredWaves.Count);
    }

    private static LiftCheck Altered(AlteredWave first, int count) => new("plans changed", null, true, Invariant(
        $"The wave of {first.WaveDate:yyyy-MM-dd} was published with {first.Impressions:N0} impressions an arm; the stored plan of the {(first.Arm == 0 ? "control" : "treatment")} exports {first.Planned:N0} customers and its list {(first.Listed is { } rows ? Invariant($"has {rows:N0}") : "was not written")}{(count > 1 ? Invariant($" ({count} such lists)") : "")}: somebody altered them."));
}
