using Pimm.Core.Networks;
using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>
/// Draws where a premise shows the label: Bernoulli(p) by a stream of its own, so that dropout and shuffling stay the same
/// whatever the curriculum does (ambiguity A13). How often it draws is ambiguity A6.
/// </summary>
public sealed class PremiseDraws(PremiseCurriculum curriculum, int tasks, RandomStream stream)
{
    /// <param name="shown">[B · (T−1)], filled with 0 and 1, row by row</param>
    /// <param name="epoch">Finished epochs, fractional within one.</param>
    /// <returns>false where p = 0 or there is nothing to show, so that nothing needs drawing and nothing was filled in</returns>
    public bool Draw(Span<float> shown, double epoch)
    {
        var probability = curriculum.ProbabilityAt(epoch);
        var premises = tasks - 1;
        if (probability <= 0 || premises == 0)
        {
            return false;
        }

        var whole = curriculum.Draw == PremiseDraw.PerBatch && Shows(probability);
        for (var row = 0; row < shown.Length; row += premises)
        {
            var same = curriculum.Draw == PremiseDraw.PerBatch ? whole : curriculum.Draw == PremiseDraw.PerRow && Shows(probability);
            for (var premise = 0; premise < premises; premise++)
            {
                var shows = curriculum.Draw == PremiseDraw.PerPremise ? Shows(probability) : same;
                shown[row + premise] = shows ? 1 : 0;
            }
        }

        return true;
    }

    private bool Shows(double probability) => stream.NextDouble() < probability;
}
