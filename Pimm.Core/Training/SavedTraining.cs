using System.Text.Json;
using System.Text.Json.Serialization;
using Pimm.Core.Safetensors;
using Pimm.Core.Statistics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>What of a training's state is no tensor.</summary>
/// <param name="Row">rows of the epoch under way that have been learned from</param>
/// <param name="AdamSteps">one entry a parameter</param>
/// <param name="Shuffle">state of the stream that orders the rows</param>
/// <param name="Premises">state of the stream that draws the premises</param>
internal sealed record TrainingPosition(
    int Row, IReadOnlyList<EpochMetrics> Epochs, StoppingState Stopping, long AveragedSteps, IReadOnlyList<long> AdamSteps,
    ulong[] Shuffle, ulong[] Premises, TimeSpan Spent);

/// <summary>
/// A training's state as a safetensors file and back: float32 tensors under their names, the order of rows as int32, Torch's generator
/// as bytes, the rest as JSON in the header. Everything is checked before anything is put back.
/// </summary>
internal sealed class SavedTraining : IDisposable
{
    private const string Format = "pimm.checkpoint.1";
    private const string OrderArray = "order";
    private const string GeneratorArray = "generator";

    private static readonly JsonSerializerOptions Layout = new(ModelDescription.Layout)
    {
        WriteIndented = false, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private readonly SafetensorsReader file;
    private readonly string source;

    private SavedTraining(SafetensorsReader file, string source)
    {
        (this.file, this.source) = (file, source);
        file.RequireFinite();
        if (file.Metadata.GetValueOrDefault("format") != Format)
        {
            throw Refused($"it is not of the format {Format}");
        }

        Key = Read<CheckpointKey>("key");
        Position = Read<TrainingPosition>("position");
    }

    public CheckpointKey Key { get; }

    public TrainingPosition Position { get; }

    public static void Write(Stream stream, TrainingState state, CheckpointKey key)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var position = new TrainingPosition(
            state.Row, state.Epochs, state.Stopping.State, state.Averaged?.Steps ?? 0, state.Optimizer.Steps,
            state.Shuffle.State, state.Premises.State, state.Spent);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = Format, ["key"] = JsonSerializer.Serialize(key, Layout), ["position"] = JsonSerializer.Serialize(position, Layout),
        };
        var tensors = state.Tensors().ToList();
        var generator = get_rng_state();
        var writer = new SafetensorsWriter(stream, metadata,
        [
            .. tensors.Select(named => (named.Name, SafetensorType.F32, named.Tensor.shape)),
            (OrderArray, SafetensorType.I32, [state.Order.LongLength]),
            (GeneratorArray, SafetensorType.U8, generator.shape),
        ]);
        tensors.ForEach(named => writer.Write(named.Tensor.detach().cpu().contiguous().bytes));
        writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(state.Order.AsSpan()));
        writer.Write(generator.bytes);
        writer.Complete();
    }

    /// <exception cref="InputException">the file is no checkpoint, or a damaged one</exception>
    public static SavedTraining Open(string path)
    {
        var file = SafetensorsReader.Open(path);
        try
        {
            return new SavedTraining(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <exception cref="InputException">it is not the state of this training; nothing was changed</exception>
    public void Restore(TrainingState state)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var (mean, best) = (file.Entries.Any(entry => entry.Name.StartsWith("mean/", StringComparison.Ordinal)), file.Entries.Any(entry => entry.Name.StartsWith("best/", StringComparison.Ordinal)));
        RequireFitting(state, mean, best);
        RequireSense(state);
        SetGenerator(state.Losses.device_type);
        state.Shuffle.State = Position.Shuffle;
        state.Premises.State = Position.Premises;
        (state.Row, state.Spent, state.Stopping.State) = (Position.Row, Position.Spent, Position.Stopping);
        state.Epochs.AddRange(Position.Epochs);
        file.Elements<int>(OrderArray).CopyTo(state.Order);
        state.Optimizer.Steps = Position.AdamSteps;
        state.Averaged?.Resume(Position.AveragedSteps, mean);
        if (best)
        {
            state.Best.Keep();
        }

        foreach (var (name, target) in state.Tensors())
        {
            target.copy_(tensor(file.Elements<float>(name).ToArray(), target.shape));
        }
    }

    public void Dispose() => file.Dispose();

    private void RequireFitting(TrainingState state, bool mean, bool best)
    {
        string[] copies = [.. mean && state.Averaged is not null ? ["mean"] : Array.Empty<string>(), .. best ? ["best"] : Array.Empty<string>()];
        var copied = copies.SelectMany(_ => state.Network.named_parameters(), (copy, pair) => ($"{copy}/{pair.name}", pair.parameter.shape));
        var expected = state.Tensors().Select(named => (Name: named.Name, Shape: named.Tensor.shape)).Concat(copied).ToList();
        foreach (var (name, shape) in expected)
        {
            var entry = file.Entry(name);
            if (entry.Type != SafetensorType.F32 || !entry.Shape.SequenceEqual(shape))
            {
                throw Refused($"it holds {entry}, the training has F32[{string.Join(",", shape)}]");
            }
        }

        if (file.Entries.Count != expected.Count + 2)
        {
            throw Refused($"it holds {file.Entries.Count} tensors, the training has {expected.Count + 2}");
        }
    }

    private void RequireSense(TrainingState state)
    {
        var order = file.Elements<int>(OrderArray).ToArray();
        Array.Sort(order);
        if (!order.SequenceEqual(state.Order.Order()))
        {
            throw Refused("its order is not one of the training's rows");
        }

        var words = (Position.Shuffle, Position.Premises) is ({ Length: 5 } shuffle, { Length: 5 } premises)
            && shuffle.Take(4).Any(word => word != 0) && premises.Take(4).Any(word => word != 0);
        var epochs = Position.Epochs.Count;
        if (!words || Position.Row < 0 || Position.Row >= order.Length || Position.AveragedSteps < 0 || Position.Spent < TimeSpan.Zero
            || Position.AdamSteps.Count != state.Optimizer.Steps.Count || Position.AdamSteps.Any(steps => steps < 0)
            || Position.Stopping.Last != epochs - 1 || Position.Stopping.BestEpoch < -1 || Position.Stopping.BestEpoch >= epochs)
        {
            throw Refused("its position is none that a training comes to");
        }
    }

    private void SetGenerator(DeviceType device)
    {
        var before = get_rng_state();
        var entry = file.Entry(GeneratorArray);
        if (entry.Type != SafetensorType.U8 || !entry.Shape.SequenceEqual(before.shape))
        {
            throw Refused("it holds no state of Torch's generator");
        }

        if (device != DeviceType.CPU)
        {
            // The device's own generator is not kept; it must not repeat what it gave in the beginning.
            manual_seed(unchecked((long)RandomStream.Seed(RandomStream.Seed(Position.Shuffle[0], Position.Epochs.Count), Position.Row)));
        }

        try
        {
            set_rng_state(tensor(file.Bytes(GeneratorArray).ToArray(), before.shape));
        }
        catch (Exception refused) when (refused is not InputException)
        {
            throw Refused($"Torch's generator refuses its state: {refused.Message}");
        }
    }

    private T Read<T>(string name)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(file.Metadata.GetValueOrDefault(name, ""), Layout) ?? throw Refused($"it lacks its {name}");
        }
        catch (JsonException damaged)
        {
            throw Refused($"its {name} cannot be read: {damaged.Message}");
        }
    }

    private InputException Refused(string reason) => new($"The checkpoint {source} cannot be used: {reason}.");
}
