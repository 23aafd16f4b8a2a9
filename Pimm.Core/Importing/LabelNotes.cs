namespace Pimm.Core.Importing;

/// <summary>
/// Watches the labels of a history file for what no model can learn from: a stage that all or no impressions reached, and an
/// attribute that is the label itself. Neither is wrong in a file, so it is said and not refused; a training refuses it.
/// </summary>
internal sealed class LabelNotes(Audience audience)
{
    private readonly long[] _reached = new long[audience.Funnel.Length + 1];
    private readonly bool[,] _differs = new bool[audience.Attributes.Count, audience.Funnel.Length];
    private long _rows;

    /// <param name="stage">stages reached</param>
    /// <param name="number">the row's numbers by attribute</param>
    public void Add(int stage, Func<int, double> number)
    {
        _rows++;
        _reached[stage]++;
        for (var attribute = 0; attribute < audience.Attributes.Count; attribute++)
        {
            var value = number(attribute);
            for (var task = 0; task < audience.Funnel.Length; task++)
            {
                _differs[attribute, task] |= value != (stage > task ? 1 : 0);
            }
        }
    }

    public IReadOnlyList<string> Sentences(string source)
    {
        var sentences = new List<string>();
        for (var task = 0; task < audience.Funnel.Length; task++)
        {
            var ones = _reached[(task + 1)..].Sum();
            if (_rows > 0 && (ones == 0 || ones == _rows))
            {
                sentences.Add($"{source}: '{audience.Funnel[task]}' is {(ones == 0 ? 0 : 1)} in all {_rows:N0} impressions; a model cannot learn it from this file alone.");
                continue;
            }
            for (var attribute = 0; _rows > 0 && attribute < audience.Attributes.Count; attribute++)
            {
                if (!_differs[attribute, task])
                {
                    sentences.Add($"{source}: attribute '{audience.Attributes[attribute].Name}' equals the label '{audience.Funnel[task]}' in all {_rows:N0} impressions; leave it out of the audience, or training will refuse it.");
                }
            }
        }
        return sentences;
    }
}
