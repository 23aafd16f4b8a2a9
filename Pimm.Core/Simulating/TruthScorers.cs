using Pimm.Core.Importing;
using Pimm.Core.Scoring;
using Pimm.Core.Training;

namespace Pimm.Core.Simulating;

/// <summary>
/// Lines that rank by the simulated truth instead of a trained model: "truth:weak" and "truth:good" by the true P(core
/// conversion | impression) with more and less noise, "truth:effect" by the effect of an impression. In simulated audiences only.
/// </summary>
public sealed class TruthScorerSource(SimulatedMarketStore markets) : IScorerSource
{
    private static readonly Dictionary<string, OraclePolicy> Policies = new(StringComparer.Ordinal)
    {
        ["truth:weak"] = new(OracleRanking.CoreProbability, MarketWorld.WeakModelNoise),
        ["truth:good"] = new(OracleRanking.CoreProbability, MarketWorld.GoodModelNoise),
        ["truth:effect"] = new(OracleRanking.Effect),
    };

    public bool Offers(string network) => Policies.ContainsKey(network);

    public async Task<IScorer> OpenAsync(Audience audience, ModelVersion version, CancellationToken cancellationToken)
    {
        var market = await markets.FindAsync(audience.Id, cancellationToken)
            ?? throw new InputException($"The line \"{version.Network}\" ranks by a simulated truth, and the audience \"{audience.Name}\" is real: choose a trained model.");
        var scores = OracleScores.Of(Policies[version.Network], market.Truths(), unchecked((ulong)version.Seed));
        return new Scorer(market.Indices(), scores);
    }

    private sealed class Scorer(Dictionary<Guid, int> indices, double[] truth) : IScorer
    {
        public void Score(AttributeBatch batch, Span<float> scores)
        {
            for (var row = 0; row < batch.Count; row++)
            {
                scores[row] = (float)truth[indices[batch.Customers[row]]];
            }
        }

        public void Dispose()
        {
        }
    }
}
