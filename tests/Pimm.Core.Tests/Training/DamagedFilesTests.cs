using System.Security.Cryptography;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

/// <summary>One bit changed at a thousand places: refused, or where even the hash was made to fit, of the right shapes and finite.</summary>
[Collection(TorchCollection.Name)]
public sealed class DamagedFilesTests
{
    private const int Places = 1_000;

    [Fact]
    public void A_checkpoint_with_a_changed_bit_is_never_used()
    {
        using var toy = new ToyFunnel(1200);
        CheckpointTests.CutOff(toy, CheckpointTests.Request("pimm"), toy.At("cut"), 2);
        var path = Directory.GetFiles(toy.At("cut"), "*.safetensors").Order().Last();

        foreach (var damaged in Damaged(File.ReadAllBytes(path)))
        {
            File.WriteAllBytes(path, damaged);
            Should.Throw<InputException>(() => CheckpointFolder.Verified(path)).Message.ShouldContain("does not have the hash beside it");
        }
    }

    [Fact]
    public void A_checkpoint_with_a_changed_bit_and_a_new_hash_is_refused_or_goes_on_with_finite_weights()
    {
        using var toy = new ToyFunnel(600);
        var request = CheckpointTests.Request("pimm");
        CheckpointTests.CutOff(toy, request, toy.At("cut"), 1);
        var path = Directory.GetFiles(toy.At("cut"), "*.safetensors").Single();
        var (used, refused) = (0, 0);

        foreach (var damaged in Damaged(File.ReadAllBytes(path)))
        {
            File.WriteAllBytes(path, damaged);
            File.WriteAllText(path + ".sha256", Convert.ToHexStringLower(SHA256.HashData(damaged)) + "  checkpoint");
            using var stop = new CancellationTokenSource();
            var plan = new CheckpointPlan(new CheckpointFolder(toy.At("cut"), 2), TimeSpan.FromDays(1))
            {
                Resume = true,
                Resumed = _ => { used++; stop.Cancel(); },
                Unusable = _ => { refused++; stop.Cancel(); },
            };
            Should.Throw<OperationCanceledException>(() => CheckpointTests.Train(toy, request, plan, stop.Token));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{used} went on, {refused} sentences refused");
        used.ShouldBeGreaterThan(Places / 4);
        refused.ShouldBeGreaterThan(Places / 20);
    }

    [Fact]
    public void A_model_whose_weights_have_a_changed_bit_is_never_used()
    {
        using var toy = new ToyFunnel(1200);
        toy.Train(CheckpointTests.Request("pimm")).Save(toy.At("model"));
        var path = Path.Combine(toy.At("model"), "weights.safetensors");

        foreach (var damaged in Damaged(File.ReadAllBytes(path)))
        {
            File.WriteAllBytes(path, damaged);
            Should.Throw<InputException>(() => TrainedModel.Load(toy.At("model"))).Message.ShouldContain("do not have the hash");
        }
    }

    [Fact]
    public void A_model_whose_weights_have_a_changed_bit_and_a_new_hash_is_refused_or_has_the_right_shapes_and_finite_weights()
    {
        using var toy = new ToyFunnel(1200);
        var model = toy.Train(CheckpointTests.Request("pimm"));
        var ids = toy.Data.Ids(0, 10).ToArray();
        var (used, refused) = (0, 0);

        foreach (var damaged in Damaged(model.Weights))
        {
            try
            {
                using var predictor = new Predictor(model with { Weights = damaged }, threads: 1);
                predictor.Predict(ids).Length.ShouldBe(20);
                used++;
            }
            catch (InputException)
            {
                refused++;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{used} used, {refused} refused");
        (used + refused).ShouldBe(Places);
        refused.ShouldBeGreaterThan(Places / 20);
    }

    private static IEnumerable<byte[]> Damaged(byte[] whole)
    {
        var stream = new RandomStream(5, "damage");
        for (var place = 0; place < Places; place++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[stream.NextInt(damaged.Length)] ^= (byte)(1 << stream.NextInt(8));
            yield return damaged;
        }
    }
}
