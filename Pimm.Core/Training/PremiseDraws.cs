using Pimm.Core.Networks;
using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>
/// Draws where a premise shows the label: Bernoulli(p) by a stream of its own, so that dropout and shuffling stay the same
/// whatever the curriculum does (ambiguity A13). How often it draws is ambiguity A6.
/// </summary>
public sealed class PremiseDraws(PremiseCurriculum curriculum, int tasks, RandomStream stream)
{
    private float[] shown = [];

    /// <param name="rows">B</param>
    /// <param name="epoch">Finished epochs, fractional within one.</param>
    /// <returns>[B · (T−1)] of 0 and 1, row by row; null where p = 0 or there is nothing to show, so that nothing needs drawing.
    /// The next draw of as many rows writes into the same array.</returns>
    public float[]? Draw(int rows, double epoch)
    {
        var probability = curriculum.ProbabilityAt(epoch);
        var premises = tasks - 1;
        if (probability <= 0 || premises == 0)
        {
            return null;
        }

        shown = shown.Length == rows * premises ? shown : new float[rows * premises];
        var whole = curriculum.Draw == PremiseDraw.PerBatch && Shows(probability);
        for (var row = 0; row < rows; row++)
        {
            var same = curriculum.Draw == PremiseDraw.PerBatch ? whole : curriculum.Draw == PremiseDraw.PerRow && Shows(probability);
            for (var premise = 0; premise < premises; premise++)
            {
                var shows = curriculum.Draw == PremiseDraw.PerPremise ? Shows(probability) : same;
                shown[row * premises + premise] = shows ? 1 : 0;
            }
        }

        return shown;
    }

    private bool Shows(double probability) => stream.NextDouble() < probability;
}
