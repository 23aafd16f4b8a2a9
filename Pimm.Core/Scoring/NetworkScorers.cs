using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Training;

namespace Pimm.Core.Scoring;

/// <summary>Scores with a trained network: the probability of its last task.</summary>
public sealed class NetworkScorerSource(ModelStore models) : IScorerSource
{
    public bool Offers(string network) => NetworkCatalog.Names.Contains(network);

    public async Task<IScorer> OpenAsync(Audience audience, ModelVersion version, CancellationToken cancellationToken)
    {
        var stored = await models.WeightsAsync(version.Id, cancellationToken);
        if (stored.FeatureMap is null || stored.Weights is null)
        {
            throw new InputException($"Version {version.Version} of the line has no weights: train it again.");
        }
        return new Scorer(audience, TrainedModel.From(stored.Description, stored.FeatureMap, stored.Weights));
    }

    private sealed class Scorer : IScorer
    {
        private readonly Predictor _predictor;
        private readonly FeatureMap _map;
        private readonly int[] _attributes;
        private int[] _ids = [];
        private float[] _probabilities = [];

        public Scorer(Audience audience, TrainedModel model)
        {
            _predictor = new Predictor(model);
            _map = FeatureMap.FromJson(model.FeatureMap);
            var names = audience.Attributes.Select(a => a.Name).ToList();
            _attributes = [.. _map.Fields.Select(f => names.IndexOf(f.Name) is var place and >= 0 ? place
                : throw new InputException($"The model reads the attribute '{f.Name}', which the audience \"{audience.Name}\" does not have: train it on this audience."))];
        }

        public void Score(AttributeBatch batch, Span<float> scores)
        {
            var fields = _attributes.Length;
            if (_ids.Length < batch.Capacity * fields)
            {
                (_ids, _probabilities) = (new int[batch.Capacity * fields], new float[batch.Capacity * _predictor.Tasks]);
            }
            for (var field = 0; field < fields; field++)
            {
                Encode(batch, field);
            }
            var probabilities = _probabilities.AsSpan(0, batch.Count * _predictor.Tasks);
            _predictor.Predict(_ids.AsSpan(0, batch.Count * fields), probabilities);
            for (var row = 0; row < batch.Count; row++)
            {
                scores[row] = probabilities[((row + 1) * _predictor.Tasks) - 1];
            }
        }

        private void Encode(AttributeBatch batch, int field)
        {
            var fields = _attributes.Length;
            if (batch.Numbers[_attributes[field]] is { } numbers)
            {
                for (var row = 0; row < batch.Count; row++)
                {
                    _ids[(row * fields) + field] = _map.Encode(field, numbers[row]);
                }
                return;
            }
            var texts = batch.Texts[_attributes[field]]!;
            for (var row = 0; row < batch.Count; row++)
            {
                _ids[(row * fields) + field] = _map.Encode(field, texts[row].AsSpan());
            }
        }

        public void Dispose() => _predictor.Dispose();
    }
}
