using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

/// <summary>How many threads compute where nobody said.</summary>
[Collection(TorchCollection.Name)]
public sealed class ThreadTrialTests
{
    [Fact]
    public void Threads_are_tried_and_chosen_without_touching_what_is_random_or_what_is_learned()
    {
        using var scope = NewDisposeScope();
        var before = get_num_threads();
        try
        {
            using var network = new PimmNetwork(new([50, 10], 2), new() { Embedding = 4, Towers = [16, 8], Dropout = [0, 0] });
            var weights = network.parameters().Select(parameter => parameter.detach().clone()).ToList();
            manual_seed(3);
            var drawn = rand(4).data<float>().ToArray();
            manual_seed(3);
            // What other tests left must not be finalised while this one counts.
            var alive = MemoryTests.LiveAfterCollection();

            var (threads, note) = new ThreadTrial(TimeProvider.System).Choose(network, 256);

            Tensor.TotalCount.ShouldBe(alive);
            threads.ShouldBeInRange(1, Environment.ProcessorCount);
            get_num_threads().ShouldBe(threads);
            rand(4).data<float>().ToArray().ShouldBe(drawn);
            network.parameters().Zip(weights).ShouldAllBe(pair => pair.First.equal(pair.Second).item<bool>());
            (note is null).ShouldBe(Environment.ProcessorCount == 1);
            note?.ShouldStartWith($"Computes with {threads} of {Environment.ProcessorCount} cores: ");
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
