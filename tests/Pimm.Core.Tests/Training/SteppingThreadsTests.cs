using System.Security.Cryptography;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;

namespace Pimm.Core.Tests.Training;

/// <summary>Trainings whose number of threads changes on the way.</summary>
[Collection(TorchCollection.Name)]
public sealed class SteppingThreadsTests : IDisposable
{
    private readonly int before = torch.get_num_threads();
    private readonly HashSet<int> seen = [];
    private TimeSpan waited;
    private int looks;

    [Theory]
    [InlineData("dense")]
    [InlineData("lazy")]
    public void One_two_and_changing_threads_train_pimm_to_the_same_bits(string updates)
    {
        using var toy = new ToyFunnel(12_000);

        var one = Trained(toy, "pimm", updates, 1, TimeSpan.Zero);
        var two = Trained(toy, "pimm", updates, 2, TimeSpan.Zero);
        seen.ShouldBe([2]);
        var changing = Trained(toy, "pimm", updates, 2, TimeSpan.FromMinutes(1));

        seen.Order().ShouldBe([1, 2]);
        two.ShouldBe(one);
        changing.ShouldBe(one);
        torch.get_num_threads().ShouldBe(2);
    }

    [Fact]
    public void A_network_whose_bits_depend_on_it_keeps_its_number()
    {
        using var toy = new ToyFunnel(12_000);

        Trained(toy, "aitm", "dense", 2, TimeSpan.FromSeconds(1));

        seen.ShouldBeEmpty();
    }

    public void Dispose() => torch.set_num_threads(before);

    /// <param name="wait">between two looks, in ten looks of twenty</param>
    private string Trained(ToyFunnel toy, string model, string updates, int threads, TimeSpan wait)
    {
        var request = ToyFunnel.Request(model);
        var options = request.Options with { Batch = 1_000, Epochs = 10, Threads = threads, Waited = () => Wait(wait) };
        var settings = new Dictionary<string, string>(request.Settings) { ["towers"] = "256,64", ["embeddingUpdates"] = updates };
        var trained = new TrainModel(new Leaping()).Run(request with { Settings = settings, Options = options }, toy.Data, _ => { }, TestContext.Current.CancellationToken);
        return Convert.ToHexString(SHA256.HashData(trained.Weights));
    }

    private TimeSpan? Wait(TimeSpan wait)
    {
        seen.Add(torch.get_num_threads());
        return waited += looks++ / 10 % 2 == 0 ? wait : TimeSpan.Zero;
    }

    /// <summary>A second later each time it is looked at.</summary>
    private sealed class Leaping : TimeProvider
    {
        private long seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref seconds);
    }
}
