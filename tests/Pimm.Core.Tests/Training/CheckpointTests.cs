using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class CheckpointTests
{
    // Training rows make 22 batches: a checkpoint after the 20th and one at the end of every epoch.
    private const int WithinFirstEpoch = 1;
    private const int EndOfFirstEpoch = 2;
    private const int WithinThirdEpoch = 5;

    [Theory]
    [InlineData("pimm")]
    [InlineData("aitm")]
    [InlineData("htlnet")]
    [InlineData("ple")]
    [InlineData("mncm")]
    [InlineData("tafe")]
    public void A_training_that_was_cut_off_anywhere_comes_to_the_very_weights_of_one_that_was_not(string kind)
    {
        using var toy = new ToyFunnel(amounts: kind == "htlnet");
        var request = Request(kind);
        var whole = toy.Train(request);

        foreach (var cut in new[] { WithinFirstEpoch, EndOfFirstEpoch, WithinThirdEpoch })
        {
            var folder = toy.At($"cut-{cut}");
            CutOff(toy, request, folder, cut);
            torch.manual_seed(999);

            var (resumed, notes) = Resumed(toy, request, folder);

            notes.ShouldHaveSingleItem().ShouldStartWith($"Training goes on from checkpoint-000001-{cut:D6}.safetensors: {cut / 2} epochs done and {(cut % 2 == 1 ? "2,000" : "0")} of ");
            resumed.Weights.SequenceEqual(whole.Weights).ShouldBeTrue($"{kind} cut off at its checkpoint {cut}");
            resumed.Description.Epochs.Select(epoch => (epoch.TrainingLoss, epoch.ValidationLogLoss)).ShouldBe(
                whole.Description.Epochs.Select(epoch => (epoch.TrainingLoss, epoch.ValidationLogLoss)));
            resumed.Description.Amount.ShouldBeEquivalentTo(whole.Description.Amount);
        }
    }

    [Theory]
    [InlineData("refit", false)]
    [InlineData("wholeValidation", true)]
    [InlineData("averaging", true)]
    public void Its_curriculum_and_the_weights_kept_so_far_go_on_too(string kind, bool stopsEarly)
    {
        using var toy = new ToyFunnel();
        var request = Request("pimm", ("alpha", "0.6"), ("step", "0.2"), ("floor", "0.2"), ("clock", "step"), ("patience", "1"), ("averaging", "0.3"));
        request = kind == "averaging" ? request : request with { Settings = new Dictionary<string, string>(request.Settings) { [kind] = "true" } };
        request = request with { Options = request.Options with { LearningRate = 0.2, Epochs = stopsEarly ? 9 : 4 } };
        var whole = toy.Train(request);
        (whole.Description.BestEpoch < whole.Description.EpochsTrained).ShouldBe(stopsEarly);
        // Within an epoch of the curriculum, and after the best epoch where there is one.
        foreach (var cut in stopsEarly ? [3, (2 * whole.Description.BestEpoch) + 1] : new[] { 3, 7 })
        {
            CutOff(toy, request, toy.At($"cut-{cut}"), cut);
            var (resumed, _) = Resumed(toy, request, toy.At($"cut-{cut}"));

            resumed.Weights.SequenceEqual(whole.Weights).ShouldBeTrue($"{kind} cut off at its checkpoint {cut}");
            resumed.Description.Epochs.Select(epoch => epoch.PremiseProbability).ShouldBe(whole.Description.Epochs.Select(epoch => epoch.PremiseProbability));
        }
    }

    [Fact]
    public void Rows_that_wait_for_their_steps_wait_across_a_cut_too()
    {
        using var toy = new ToyFunnel();
        var request = Request("pimm", ("embeddingUpdates", "lazy"), ("averaging", "0.3"));
        var whole = toy.Train(request);

        foreach (var cut in new[] { WithinFirstEpoch, EndOfFirstEpoch, WithinThirdEpoch })
        {
            CutOff(toy, request, toy.At($"cut-{cut}"), cut);

            Resumed(toy, request, toy.At($"cut-{cut}")).Item1.Weights.SequenceEqual(whole.Weights).ShouldBeTrue($"cut off at its checkpoint {cut}");
        }
    }

    [Fact]
    public void A_training_keeps_the_threads_it_began_with_where_nobody_says_how_many()
    {
        using var toy = new ToyFunnel(1200);
        var request = Request("pimm");
        var whole = toy.Train(request);
        CutOff(toy, request, toy.At("cut"), WithinFirstEpoch);

        var (resumed, _) = Resumed(toy, request with { Options = request.Options with { Threads = null } }, toy.At("cut"));

        resumed.Description.Training.Threads.ShouldBe(1);
        resumed.Weights.SequenceEqual(whole.Weights).ShouldBeTrue();
    }

    [Fact]
    public void A_training_asked_to_end_after_every_single_batch_still_comes_to_the_same_weights()
    {
        using var toy = new ToyFunnel(1200);
        var request = Request("pimm");
        var whole = toy.Train(request);
        var (folder, attempts) = (toy.At("cut"), 0);

        TrainedModel? model = null;
        while (model is null)
        {
            (++attempts).ShouldBeLessThan(100);
            var plan = new CheckpointPlan(new CheckpointFolder(folder, attempts), TimeSpan.Zero) { Resume = attempts > 1 };
            plan.End();
            model = Ended(() => Train(toy, request, plan));
        }

        attempts.ShouldBe((9 * whole.Description.EpochsTrained) + 1);
        model.Weights.SequenceEqual(whole.Weights).ShouldBeTrue();
    }

    [Fact]
    public void Taking_checkpoints_changes_nothing_and_the_last_two_stay()
    {
        using var toy = new ToyFunnel();
        var request = Request("pimm");
        var written = new List<CheckpointFile>();

        var with = Train(toy, request, new CheckpointPlan(new CheckpointFolder(toy.At("kept"), 3), TimeSpan.Zero) { Written = written.Add });

        with.Weights.SequenceEqual(toy.Train(request).Weights).ShouldBeTrue();
        written.Count.ShouldBe(2 * with.Description.EpochsTrained);
        Directory.GetFiles(toy.At("kept")).Select(Path.GetFileName).Order().ShouldBe(
            written[^2..].SelectMany(file => new[] { Path.GetFileName(file.Path), Path.GetFileName(file.Path) + ".sha256" }));
        File.ReadAllText(written[^1].Path + ".sha256").ShouldBe($"{written[^1].Sha256}  {Path.GetFileName(written[^1].Path)}\n");
    }

    [Fact]
    public void Within_an_epoch_one_is_written_when_the_interval_is_over_and_not_before()
    {
        using var toy = new ToyFunnel();
        var (seldom, often) = (new List<CheckpointFile>(), new List<CheckpointFile>());
        var request = Request("pimm");

        Train(toy, request, new CheckpointPlan(new CheckpointFolder(toy.At("seldom"), 1), TimeSpan.FromHours(1)) { Written = seldom.Add });
        Train(toy, request, new CheckpointPlan(new CheckpointFolder(toy.At("often"), 1), TimeSpan.FromTicks(1)) { Written = often.Add });

        seldom.Count.ShouldBe(request.Options.Epochs);
        often.Count.ShouldBe(22 * request.Options.Epochs);
    }

    [Fact]
    public void A_damaged_checkpoint_falls_back_to_the_one_before_it_and_then_to_the_beginning()
    {
        using var toy = new ToyFunnel();
        var request = Request("pimm");
        var whole = toy.Train(request);
        CutOff(toy, request, toy.At("cut"), WithinThirdEpoch);
        var files = Directory.GetFiles(toy.At("cut"), "*.safetensors").Order().ToArray();

        Damage(files[1]);
        var (before, notes) = Resumed(toy, request, toy.At("cut"));
        Directory.GetFiles(toy.At("cut"), "*.safetensors").ToList().ForEach(Damage);
        var (anew, all) = Resumed(toy, request, toy.At("cut"), fence: 3);

        notes.ShouldBe([$"The checkpoint {files[1]} is damaged: it does not have the hash beside it.", "Training goes on from checkpoint-000001-000004.safetensors: 2 epochs done and 0 of 2,160 rows of the next."]);
        all.Count.ShouldBe(3);
        all[^1].ShouldBe($"{toy.At("cut")} has no checkpoint that can be used, so training starts from the beginning.");
        before.Weights.SequenceEqual(whole.Weights).ShouldBeTrue();
        anew.Weights.SequenceEqual(whole.Weights).ShouldBeTrue();
    }

    [Fact]
    public void A_checkpoint_of_another_training_is_refused_with_what_differs_or_not_used()
    {
        using var toy = new ToyFunnel();
        using var other = new ToyFunnel(seed: 2);
        var request = Request("pimm");
        CutOff(toy, request, toy.At("cut"), EndOfFirstEpoch);
        var plan = new CheckpointPlan(new CheckpointFolder(toy.At("cut"), 2), TimeSpan.Zero) { Resume = true, RefuseOther = true };
        var wider = Request("pimm", ("embedding", "5"));

        var settings = Should.Throw<InputException>(() => Train(toy, wider with { Options = wider.Options with { LearningRate = 0.02 } }, plan)).Message;
        var data = Should.Throw<InputException>(() => Train(other, request, plan)).Message;
        var (anew, notes) = Resumed(other, request, toy.At("cut"));

        settings.ShouldEndWith("is of another training (embedding 4 instead of 5, training learningRate 0.01 instead of 0.02); give what it was begun with, or train without --resume to begin anew.");
        data.ShouldContain($"(data {toy.Data.Sha256[..12]}… instead of {other.Data.Sha256[..12]}…)");
        notes.ShouldHaveSingleItem().ShouldEndWith("so training starts from the beginning.");
        anew.Weights.SequenceEqual(other.Train(request).Weights).ShouldBeTrue();
    }

    [Fact]
    public void An_attempt_that_was_given_up_overwrites_nothing_of_its_successor()
    {
        using var toy = new ToyFunnel(1200);
        var (old, successor) = (new CheckpointFolder(toy.At("kept"), 1), new CheckpointFolder(toy.At("kept"), 2));
        old.Write(stream => stream.WriteByte(1));
        var good = successor.Write(stream => stream.WriteByte(2));

        old.Write(stream => stream.WriteByte(3));
        old.Write(stream => stream.WriteByte(4));

        File.ReadAllBytes(good.Path).ShouldBe([2]);
        old.NewestFirst()[0].ShouldBe(good.Path);
        CheckpointFolder.Verified(good.Path).ShouldBe(good);
    }

    [Fact]
    public void A_disk_that_is_full_leaves_the_one_before_and_nothing_else()
    {
        using var toy = new ToyFunnel(1200);
        var folder = new CheckpointFolder(toy.At("kept"), 1);
        var whole = folder.Write(stream => stream.WriteByte(1));

        Should.Throw<IOException>(() => folder.Write(stream =>
        {
            stream.WriteByte(2);
            throw new IOException("the disk is full");
        }));

        Directory.GetFiles(toy.At("kept")).Order().ShouldBe([whole.Path, whole.Path + ".sha256"]);
    }

    [Fact]
    public void What_a_crash_left_half_written_is_never_used_and_cleared_by_the_next_attempt()
    {
        using var toy = new ToyFunnel(1200);
        var whole = new CheckpointFolder(toy.At("kept"), 1).Write(stream => stream.WriteByte(1));
        var half = Path.Combine(toy.At("kept"), "checkpoint-000001-000002.safetensors.tmp");
        File.WriteAllText(half, "half");

        new CheckpointFolder(toy.At("kept"), 2).NewestFirst().ShouldBe([whole.Path]);
        new CheckpointFolder(toy.At("kept"), 2).Write(stream => stream.WriteByte(3));

        File.Exists(half).ShouldBeFalse();
    }

    internal static TrainingRequest Request(string kind, params (string Key, string Value)[] settings)
    {
        var request = ToyFunnel.Request(kind);
        var all = new Dictionary<string, string>(request.Settings);
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        return request with { Settings = all, Options = request.Options with { Epochs = 4 } };
    }

    internal static TrainedModel Train(ToyFunnel toy, TrainingRequest request, CheckpointPlan plan, CancellationToken cancellationToken = default) =>
        new TrainModel(TimeProvider.System).Run(request, toy.Data, plan, _ => { }, cancellationToken);

    /// <summary>Trains until so many checkpoints are written; the batch after the last is not trained on.</summary>
    internal static void CutOff(ToyFunnel toy, TrainingRequest request, string folder, int checkpoints)
    {
        using var stop = new CancellationTokenSource();
        var written = 0;
        var plan = new CheckpointPlan(new CheckpointFolder(folder, 1), TimeSpan.Zero) { Written = _ => { if (++written == checkpoints) stop.Cancel(); } };
        Should.Throw<OperationCanceledException>(() => Train(toy, request, plan, stop.Token));
        written.ShouldBe(checkpoints);
    }

    private static (TrainedModel Model, List<string> Notes) Resumed(ToyFunnel toy, TrainingRequest request, string folder, long fence = 2)
    {
        var notes = new List<string>();
        var plan = new CheckpointPlan(new CheckpointFolder(folder, fence), TimeSpan.Zero) { Resume = true, Resumed = notes.Add, Unusable = notes.Add };
        return (Train(toy, request, plan), notes);
    }

    private static TrainedModel? Ended(Func<TrainedModel> train)
    {
        try
        {
            return train();
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static void Damage(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
