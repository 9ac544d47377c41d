// SPDX-License-Identifier: MIT
//
// The C++ run time: streams, exceptions, RTTI, static and thread storage, the standard threads.
// Invariant: whatever is thrown is caught where the language says, also out of threads.
#include "tap.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <regex>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string at_start = std::string("constructed ") + "before main";
std::atomic<int> destroyed{0};

struct Counted {
	~Counted() { destroyed++; }
};

thread_local Counted of_thread;
thread_local int number_of_thread = 5;

struct Base { virtual ~Base() = default; virtual int id() const { return 1; } };
struct Derived : Base { int id() const override { return 2; } };

int deep(int n)
{
	Counted c;
	if (!n)
		throw std::runtime_error("from the depth");
	return deep(n - 1) + 1;
}

void exceptions()
{
	destroyed = 0;
	std::string text;
	try {
		deep(50);
	} catch (const std::exception &e) {
		text = e.what();
	}
	check(text == "from the depth", "an exception through 51 frames");
	check_eq(destroyed.load(), 51, "every frame was cleaned up");

	int code = 0;
	try {
		try {
			throw 7;
		} catch (int) {
			throw;
		}
	} catch (int n) {
		code = n;
	}
	check_eq(code, 7, "rethrow");

	std::exception_ptr kept;
	try {
		std::vector<int>(3).at(5);
	} catch (...) {
		kept = std::current_exception();
	}
	bool caught = false;
	try {
		std::rethrow_exception(kept);
	} catch (const std::out_of_range &) {
		caught = true;
	}
	check(caught, "exception_ptr");
	bool no_memory = false;
	try {
		volatile size_t huge = (size_t)1 << 47;
		static void *volatile block;
		block = ::operator new(huge);
		::operator delete(block);
	} catch (const std::bad_alloc &) {
		no_memory = true;
	}
	check(no_memory, "bad_alloc");
	check(killed(in_child(freopen("/dev/null", "w", stderr);
			      [] () noexcept { throw 1; } ()), SIGABRT),
	      "an exception out of noexcept ends in abort");
}

void threads()
{
	destroyed = 0;
	std::vector<std::thread> all;
	std::mutex lock;
	std::shared_mutex shared;
	int sum = 0;
	for (int i = 0; i < 8; i++)
		all.emplace_back([&, i] {
			(void)&of_thread;
			number_of_thread += i;
			std::shared_lock reader(shared);
			std::lock_guard guard(lock);
			sum += number_of_thread;
		});
	for (auto &t : all)
		t.join();
	check_eq(sum, 8 * 5 + 28, "std::thread, std::mutex, thread_local");
	check_eq(destroyed.load(), 8, "thread_local destructors");

	auto result = std::async(std::launch::async, [] { return 6 * 7; });
	check_eq(result.get(), 42, "std::async");
	auto thrower = std::async(std::launch::async, [] () -> int { throw std::logic_error("x"); });
	bool caught = false;
	try {
		thrower.get();
	} catch (const std::logic_error &) {
		caught = true;
	}
	check(caught, "an exception through a future");

	std::condition_variable ready;
	bool flag = false;
	std::thread setter([&] {
		std::lock_guard guard(lock);
		flag = true;
		ready.notify_one();
	});
	{
		std::unique_lock guard(lock);
		check(ready.wait_for(guard, std::chrono::seconds(20), [&] { return flag; }),
		      "std::condition_variable");
	}
	setter.join();
	std::once_flag once;
	int calls = 0;
	for (int i = 0; i < 3; i++)
		std::call_once(once, [&] { calls++; });
	check_eq(calls, 1, "std::call_once");
}

void library()
{
	std::ostringstream out;
	out << "number " << 12 << ' ' << 1.5 << ' ' << std::hex << 255;
	check(out.str() == "number 12 1.5 ff", "streams");
	std::vector<int> v(1000);
	std::mt19937 engine(1);
	for (auto &n : v)
		n = static_cast<int>(engine() % 1000);
	std::sort(v.begin(), v.end());
	check(std::is_sorted(v.begin(), v.end()), "sort");
	check(std::regex_match("xsc-2025", std::regex("[a-z]+-[0-9]{4}")), "regex");
	std::unique_ptr<Base> p = std::make_unique<Derived>();
	check(dynamic_cast<Derived *>(p.get()) && p->id() == 2, "RTTI");
	check(std::random_device{}() != std::random_device{}() ||
	      std::random_device{}() != std::random_device{}(), "random_device");

	namespace fs = std::filesystem;
	fs::path dir = fs::temp_directory_path() / ("xsc-cxx-" + std::to_string(getpid()));
	fs::create_directories(dir / "a/b");
	std::ofstream(dir / "a/b/file") << "text";
	int found = 0;
	for (auto &e : fs::recursive_directory_iterator(dir))
		found += e.is_regular_file();
	std::string back;
	std::ifstream(dir / "a/b/file") >> back;
	check(found == 1 && back == "text", "filesystem and fstream");
	check(fs::remove_all(dir) >= 4 && !fs::exists(dir), "remove_all");
	std::error_code ec;
	(void)fs::file_size("/there is no such file", ec);
	check(ec == std::errc::no_such_file_or_directory, "error_code");
	auto before = std::chrono::steady_clock::now();
	std::this_thread::sleep_for(std::chrono::milliseconds(5));
	check(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(5), "chrono");
}

} // namespace

int main()
{
	tap_begin();
	std::cout << "# Hello from C++" << std::endl;
	check(at_start == "constructed before main", "static construction");
	exceptions();
	threads();
	library();
	return tap_end();
}
