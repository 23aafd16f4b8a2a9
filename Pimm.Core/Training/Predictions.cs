namespace Pimm.Core.Training;

/// <summary>What a network predicted of N rows it was not trained on, and what happened.</summary>
/// <param name="Tasks">T label columns in funnel order.</param>
/// <param name="Probabilities">[N · T], row by row: P(stage t is reached) over all impressions.</param>
/// <param name="Labels">[N · T], row by row, 0 or 1.</param>
public sealed record Predictions(IReadOnlyList<string> Tasks, float[] Probabilities, byte[] Labels)
{
    /// <summary>Of the same rows; null where the network predicts no amount.</summary>
    public AmountPredictions? Amounts { get; init; }

    public int Rows => Labels.Length / Tasks.Count;

    /// <summary>Share of rows where a later stage has a higher probability than the one before; 0 without rows.</summary>
    public double OrderViolations
    {
        get
        {
            var tasks = Tasks.Count;
            long violations = 0;
            for (var start = 0; start < Probabilities.Length; start += tasks)
            {
                for (var task = 1; task < tasks; task++)
                {
                    if (Probabilities[start + task] > Probabilities[start + task - 1])
                    {
                        violations++;
                        break;
                    }
                }
            }

            return Rows == 0 ? 0 : violations / (double)Rows;
        }
    }

    /// <summary>[N] of one task.</summary>
    public float[] ProbabilitiesOf(int task) => Column(Probabilities, task);

    /// <summary>[N] of one task.</summary>
    public byte[] LabelsOf(int task) => Column(Labels, task);

    private TValue[] Column<TValue>(TValue[] values, int task)
    {
        var column = new TValue[Rows];
        for (var row = 0; row < column.Length; row++)
        {
            column[row] = values[row * Tasks.Count + task];
        }

        return column;
    }
}
