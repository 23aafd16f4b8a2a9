using System.CommandLine;
using System.Threading.Channels;
using Pimm.Core;
using Pimm.Core.Comparing;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>A comparison's child: not for people, so hidden.</summary>
public static class TrainCellsCommand
{
    public const string Verb = "train-cells";

    public static Command Create()
    {
        var folder = new Argument<string>("folder") { Description = "where results are written" };
        return new Command(Verb, "trains the cells it reads, one JSON line each, until its input ends; a comparison starts it") { folder }
            .Hiding()
            .Does(async (call, cancellationToken) =>
            {
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var cells = ReadCells(ended);
                var train = new TrainModel(TimeProvider.System);
                try
                {
                    await foreach (var cell in cells.ReadAllAsync(ended.Token))
                    {
                        call.Output.WriteLine(Train(cell, train, call.Arguments.GetValue(folder)!, ended.Token).ToJson());
                    }
                }
                catch (OperationCanceledException)
                {
                    // The comparison ended or was interrupted, and says so itself.
                }

                return ExitCode.Done;
            });
    }

    /// <summary>Read beside the training: when the comparison dies its end of stdin closes, and this ends too.</summary>
    private static ChannelReader<TrainingCell> ReadCells(CancellationTokenSource ended)
    {
        var cells = Channel.CreateUnbounded<TrainingCell>();
        _ = Task.Run(() =>
        {
            try
            {
                while (Console.In.ReadLine() is { } line)
                {
                    cells.Writer.TryWrite(TrainingCell.FromJson(line));
                }
            }
            finally
            {
                ended.Cancel();
            }
        }, CancellationToken.None);
        return cells.Reader;
    }

    private static CellAnswer Train(TrainingCell cell, TrainModel train, string folder, CancellationToken cancellationToken)
    {
        try
        {
            cell.Run(train, folder, cancellationToken);
            return new CellAnswer(null);
        }
        catch (InputException refused)
        {
            return new CellAnswer(refused.Message, refused is TrainingDivergedException);
        }
    }
}
