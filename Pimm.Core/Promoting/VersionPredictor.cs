using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>A stored version that predicts an audience's rows. One caller at a time.</summary>
public sealed class VersionPredictor : IDisposable
{
    private readonly Predictor _predictor;
    private readonly FeatureMap _map;
    private readonly int[] _attributes;
    private int[] _ids = [];

    /// <param name="threads">threads that compute; null leaves their number as it is</param>
    /// <exception cref="InputException">the version has no weights, they do not load, or the audience lacks an attribute</exception>
    public VersionPredictor(Audience audience, ModelVersion version, StoredModel stored, int? threads = null)
    {
        if (stored.FeatureMap is null || stored.Weights is null)
        {
            throw new InputException($"Version {version.Version} of the line has no weights: train it again.");
        }

        var model = TrainedModel.From(stored.Description, stored.FeatureMap, stored.Weights);
        _map = FeatureMap.FromJson(model.FeatureMap);
        var names = audience.Attributes.Select(a => a.Name).ToList();
        _attributes = [.. _map.Fields.Select(f => names.IndexOf(f.Name) is var place and >= 0 ? place
            : throw new InputException($"Version {version.Version} reads the attribute '{f.Name}', which the audience \"{audience.Name}\" does not have: train it again."))];
        if (!model.Description.Tasks.SequenceEqual(audience.Funnel))
        {
            throw new InputException($"Version {version.Version} predicts {string.Join(", ", model.Description.Tasks)}, the audience's funnel is {string.Join(", ", audience.Funnel)}: train it again.");
        }

        _predictor = new Predictor(model, threads);
    }

    /// <summary>T, the audience's funnel.</summary>
    public int Tasks => _predictor.Tasks;

    /// <param name="probabilities">[rows, T], filled row by row for the batch's rows</param>
    public void Predict(AttributeBatch batch, Span<float> probabilities)
    {
        var fields = _attributes.Length;
        if (_ids.Length < batch.Capacity * fields)
        {
            _ids = new int[batch.Capacity * fields];
        }

        for (var field = 0; field < fields; field++)
        {
            Encode(batch, field, fields);
        }

        _predictor.Predict(_ids.AsSpan(0, batch.Count * fields), probabilities[..(batch.Count * Tasks)]);
    }

    private void Encode(AttributeBatch batch, int field, int fields)
    {
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
