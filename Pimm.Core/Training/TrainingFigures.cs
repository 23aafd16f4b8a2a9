using System.Text.Json;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Training;

/// <summary>Rows that a model chose, or that none did: their label rates differ by far, and their mixture changes with every campaign.</summary>
/// <param name="Positives">a number a stage, in funnel order</param>
public sealed record LabelFigures(bool Targeted, long Rows, IReadOnlyList<long> Positives);

/// <param name="Missing">share of rows without a value</param>
/// <param name="Unseen">share of rows with a value that the version before does not know, rare ones among them; null where it was not looked at</param>
public sealed record AttributeFigures(string Name, double Missing, double? Unseen);

/// <summary>What rows of a stretch of time look like.</summary>
/// <param name="Newest">time of the newest row; null without rows</param>
public sealed record TrainingFigures(
    DateTimeOffset From, DateTimeOffset To, long Rows, DateTimeOffset? Newest, IReadOnlyList<LabelFigures> Labels, IReadOnlyList<AttributeFigures> Attributes)
{
    public double RowsADay => Rows / Math.Max(1, (To - From).TotalDays);

    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    public static TrainingFigures FromJson(string json) => JsonSerializer.Deserialize<TrainingFigures>(json, JsonSerializerOptions.Web)!;
}

/// <summary>Gathers the figures of a stretch of time from batches of rows.</summary>
internal sealed class FigureCounts
{
    private readonly Audience _audience;
    private readonly DateTimeOffset _from;
    private readonly DateTimeOffset _to;
    private readonly FeatureMap? _known;
    private readonly int[] _fields;
    private readonly long[] _missing;
    private readonly long[] _unseen;
    private readonly long[][] _positives;
    private readonly long[] _rows = new long[2];
    private long _newest = long.MinValue;

    /// <param name="known">the map of the version before; null where there is none</param>
    public FigureCounts(Audience audience, DateTimeOffset from, DateTimeOffset to, FeatureMap? known)
    {
        (_audience, _from, _to, _known) = (audience, from, to, known);
        var names = known?.Fields.Select(field => field.Name).ToList() ?? [];
        _fields = [.. audience.Attributes.Select(attribute => names.IndexOf(attribute.Name))];
        (_missing, _unseen) = (new long[_fields.Length], new long[_fields.Length]);
        _positives = [new long[audience.Funnel.Length], new long[audience.Funnel.Length]];
    }

    public void Add(AttributeBatch batch, bool targeted)
    {
        var kind = targeted ? 1 : 0;
        for (var row = 0; row < batch.Count; row++)
        {
            var ticks = batch.ImpressionTicks[row];
            if (ticks < _from.UtcTicks || ticks >= _to.UtcTicks)
            {
                continue;
            }

            _rows[kind]++;
            _newest = Math.Max(_newest, ticks);
            for (var stage = 0; stage < batch.Stages[row]; stage++)
            {
                _positives[kind][stage]++;
            }

            for (var attribute = 0; attribute < _fields.Length; attribute++)
            {
                Look(batch, row, attribute);
            }
        }
    }

    public TrainingFigures Complete()
    {
        var rows = _rows.Sum();
        return new(_from, _to, rows, rows == 0 ? null : new DateTimeOffset(_newest, TimeSpan.Zero),
            [new(false, _rows[0], _positives[0]), new(true, _rows[1], _positives[1])],
            [.. _audience.Attributes.Select((attribute, a) => new AttributeFigures(
                attribute.Name, rows == 0 ? 0 : (double)_missing[a] / rows, _fields[a] < 0 || rows == 0 ? null : (double)_unseen[a] / rows))]);
    }

    private void Look(AttributeBatch batch, int row, int attribute)
    {
        if (batch.Numbers[attribute] is { } numbers)
        {
            _missing[attribute] += double.IsNaN(numbers[row]) ? 1 : 0;
            return;
        }

        var text = batch.Texts[attribute]![row];
        if (string.IsNullOrEmpty(text))
        {
            _missing[attribute]++;
        }
        else if (_fields[attribute] is var field and >= 0 && _known!.Encode(field, text.AsSpan()) == 0)
        {
            _unseen[attribute]++;
        }
    }
}
