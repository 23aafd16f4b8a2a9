using Pimm.Core.Importing;
using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Scoring;

/// <summary>Says for each customer how likely a core conversion is; only the order decides who is shown the ad.</summary>
public interface IScorer : IDisposable
{
    /// <param name="scores">filled with one finite number for each of the batch's rows</param>
    void Score(AttributeBatch batch, Span<float> scores);
}

/// <summary>Opens scorers of some kinds of model line.</summary>
public interface IScorerSource
{
    bool Offers(string network);

    Task<IScorer> OpenAsync(Audience audience, ModelVersion version, CancellationToken cancellationToken);
}

/// <summary>
/// A line of the kind "random" ranks by a hash of the customer: the baseline that shows what any model is worth.
/// </summary>
public sealed class RandomScorerSource : IScorerSource
{
    public const string Network = "random";

    public bool Offers(string network) => network == Network;

    public Task<IScorer> OpenAsync(Audience audience, ModelVersion version, CancellationToken cancellationToken) =>
        Task.FromResult<IScorer>(new Scorer(SaltKey.From($"random/{version.ModelLineId}/{version.Seed}")));

    private sealed class Scorer(SaltKey salt) : IScorer
    {
        public void Score(AttributeBatch batch, Span<float> scores)
        {
            for (var row = 0; row < batch.Count; row++)
            {
                scores[row] = (float)CustomerHash.Share(CustomerHash.Salted(batch.Customers[row], salt));
            }
        }

        public void Dispose()
        {
        }
    }
}
