using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>Scores of an oracle policy: a stand-in for a trained model where the truth is known.</summary>
public static class OracleScores
{
    /// <summary>One score a customer; noise and random ranks depend on (seed, customer) alone. Probabilities stay probabilities.</summary>
    public static double[] Of(OraclePolicy policy, IReadOnlyList<MarketTruth> truths, ulong seed)
    {
        ulong own = RandomStream.Seed(seed, $"oracle {policy.Ranking}", BitConverter.DoubleToInt64Bits(policy.Noise));
        var scores = new double[truths.Count];
        for (int i = 0; i < scores.Length; i++)
        {
            var stream = new RandomStream(RandomStream.Seed(own, i));
            scores[i] = policy.Ranking switch
            {
                OracleRanking.Random => stream.NextDouble(),
                OracleRanking.Effect => Noisy(truths[i].Effect, policy.Noise * stream.NextNormal()),
                _ => Noisy(truths[i].Core, policy.Noise * stream.NextNormal()),
            };
        }
        return scores;
    }

    private static double Noisy(double probability, double noise)
    {
        double odds = probability / (1 - probability) * Math.Exp(noise);
        return odds / (1 + odds);
    }
}
